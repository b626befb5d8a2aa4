#!/usr/bin/python3
"""Calls passfort-gateway from Python and prints its reply as JSON.

  examples/python/gateway_client.py create --target=127.0.0.1:50051 --role=INDIVIDUAL_CUSTOMER
      --data=examples/person.json --product-alias=forexo_basic --request-id=order-1
  examples/python/gateway_client.py add --target=127.0.0.1:50051 --product-alias=forexo_basic
      --profile-id=f7d4e2f6-39b3-4a1c-9a67-0d6b4f0f3b0a

`gateway_client.py COMMAND --help` lists the options. Needs Debian's python3-grpcio and
python3-protobuf, and the classes that generate_stubs.sh makes of the contract.

What a caller has to get right is in `GatewayError`: whether a write was definitely not executed, or
whether that is unknown, whether it is safe to retry, and when a person has to look.

Exit codes: 0 done; 1 not executed by this call; 2 unknown; 3 wrong usage.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import enum
import pathlib
import sys
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

import grpc
from google.protobuf import json_format, struct_pb2
from google.protobuf.message import Message

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE / "generated"))
try:
    from google.rpc import error_details_pb2, status_pb2
    from passfort.gateway.v1 import product_application_pb2 as application_pb2
    from passfort.gateway.v1 import product_application_service_pb2 as application_service_pb2
    from passfort.gateway.v1 import product_application_service_pb2_grpc as application_service_pb2_grpc
    from passfort.gateway.v1 import profile_pb2, profile_service_pb2, profile_service_pb2_grpc
except ModuleNotFoundError as missing:
    sys.exit(f"{missing}: run examples/python/generate_stubs.sh first")

# All replicas that the target's name stands for, and none that is stopping. In a service of your
# own, copy this file.
SERVICE_CONFIG = HERE.parents[1] / "proto/passfort/gateway/v1/service_config.json"
ERROR_DOMAIN = "passfort.gateway"


class Exit(enum.IntEnum):
    DONE = 0
    NOT_EXECUTED = 1
    UNKNOWN = 2
    WRONG_USAGE = 3


@dataclasses.dataclass(eq=False)
class GatewayError(Exception):
    """A call that failed, with what the gateway says of it in the details of google.rpc."""

    code: grpc.StatusCode
    message: str
    is_write: bool
    creates_profile: bool
    request_id: str  # of a write; empty: none
    reason: str = ""  # of the ErrorInfo; empty: the error did not come from the gateway
    metadata: dict[str, str] = dataclasses.field(default_factory=dict)
    violations: tuple[tuple[str, str], ...] = ()  # (field, description)
    retry_delay: datetime.timedelta | None = None

    @classmethod
    def of(cls, error: grpc.RpcError, request: Message) -> GatewayError:
        own: dict[str, Any] = {}
        for detail in read_details(error):
            if isinstance(detail, error_details_pb2.ErrorInfo) and detail.domain == ERROR_DOMAIN:
                own |= {"reason": detail.reason, "metadata": dict(detail.metadata)}
            elif isinstance(detail, error_details_pb2.BadRequest):
                own["violations"] = tuple((it.field, it.description) for it in detail.field_violations)
            elif isinstance(detail, error_details_pb2.RetryInfo):
                own["retry_delay"] = detail.retry_delay.ToTimedelta()
        # Writes are the calls that can have a request_id.
        return cls(error.code(), error.details() or "", is_write="request_id" in request.DESCRIPTOR.fields_by_name,
                   creates_profile=isinstance(request, profile_service_pb2.CreateProfileRequest),
                   request_id=getattr(request, "request_id", ""), **own)

    @property
    def is_unknown(self) -> bool:
        """The write may have been executed. With any other error it definitely was not, by this call."""
        return self.is_write and (not self.reason or self.code == grpc.StatusCode.UNKNOWN)

    @property
    def is_safe_to_retry(self) -> bool:
        """A retry, with the same request_id if there was one, executes the write at most once."""
        return bool(self.request_id) or not self.is_unknown

    def advice(self) -> str:
        source = "" if self.reason else "This error did not come from the gateway. "
        return source + (self._advice_on_unknown() if self.is_unknown else self._advice_on_known())

    def _advice_on_unknown(self) -> str:
        said = "It is unknown whether this was executed: "
        if not self.is_safe_to_retry:
            where = "for the profile in Passfort's portal" if self.creates_profile else "at the profile"
            return f"{said}look {where} before you retry."
        if self.metadata.get("final") == "true":
            # The gateway cannot look for a profile that it knows no id of: where the answer to a create was
            # lost, no retry brings it.
            return (f"{said}a person looks for the profile in Passfort's portal, not before "
                    f"{self.metadata['look_from']}; if it is not there, create it under another request_id.")
        retry = f"{said}retry with the same request_id, which is always safe."
        known_by = self.metadata.get("known_by")
        return f"{retry} The outcome is known by {known_by}." if known_by else retry

    def _advice_on_known(self) -> str:
        # An error of this scope was decided before the record of the request_id was used.
        only_this_call = self.request_id and self.metadata.get("scope") == "CALL"
        said = ("This call executed nothing; an earlier one with the same request_id may have."
                if only_this_call else "Nothing was executed.")
        if self.retry_delay is not None:
            return f"{said} It is safe to retry in {self.retry_delay.total_seconds():g} s or later."
        if self.code == grpc.StatusCode.DEADLINE_EXCEEDED:
            return f"{said} It is safe to retry with a longer --timeout."
        if self.reason == "STORE_BROKEN":
            return f"{said} Once the operator has mended the gateway's store, retry with the same request_id."
        return f"{said} " + ("A retry would end the same way." if self.reason else "It is safe to retry.")

    def __str__(self) -> str:
        lines = [f"{self.code.name}: {self.message}", f"reason: {self.reason or 'none'}"]
        lines += [f"  {name}: {value}" for name, value in sorted(self.metadata.items())]
        lines += [f"  {field}: {description}" for field, description in self.violations]
        return "\n".join([*lines, self.advice()])


def read_details(error: grpc.RpcError) -> Iterable[Message]:
    """The details of google.rpc. With pip, `grpcio-status` does the first half of this."""
    known = (error_details_pb2.ErrorInfo, error_details_pb2.BadRequest, error_details_pb2.RetryInfo)
    for name, value in error.trailing_metadata() or ():
        if name != "grpc-status-details-bin":
            continue
        for packed in status_pb2.Status.FromString(value).details:
            for kind in known:
                if packed.Is(kind.DESCRIPTOR):
                    detail = kind()
                    packed.Unpack(detail)
                    yield detail


class Gateway:
    """A channel to the gateway's replicas. Keep one for as long as the process lives."""

    def __init__(self, target: str, timeout: float, credentials: grpc.ChannelCredentials | None = None):
        """Without credentials calls go in plain text."""
        options = [("grpc.service_config", SERVICE_CONFIG.read_text(encoding="utf-8"))]
        self._channel = (grpc.secure_channel(target, credentials, options) if credentials
                         else grpc.insecure_channel(target, options))
        self._timeout = timeout
        self.applications = application_service_pb2_grpc.ProductApplicationServiceStub(self._channel)
        self.profiles = profile_service_pb2_grpc.ProfileServiceStub(self._channel)

    def __enter__(self) -> Gateway:
        return self

    def __exit__(self, *_: object) -> None:
        self._channel.close()

    def call(self, method: grpc.UnaryUnaryMultiCallable, request: Message) -> Any:
        """The reply. Raises GatewayError."""
        try:
            # Without a deadline a call waits for as long as the gateway lets it.
            reply, call = method.with_call(request, timeout=self._timeout)
        except grpc.RpcError as error:
            raise GatewayError.of(error, request) from error
        # How the result became known, if not by this call alone, and what does not fit into the reply.
        for name, value in call.trailing_metadata():
            if name.startswith("gateway-"):
                print(f"{name}: {value}", file=sys.stderr)
        return reply


def create(gateway: Gateway, options: argparse.Namespace) -> Message:
    request = profile_service_pb2.CreateProfileRequest(
        role=profile_pb2.ProfileRole.Value(f"PROFILE_ROLE_{options.role}"), collected_data=options.data,
        product_applications=[
            profile_service_pb2.ProductApplicationDraft(product=application_service_pb2.ProductReference(alias=alias))
            for alias in options.product_alias],
        request_id=options.request_id)
    return gateway.call(gateway.profiles.CreateProfile, request).profile


def add(gateway: Gateway, options: argparse.Namespace) -> Message:
    role = f"ASSOCIATED_ROLE_{options.associated_role or 'UNSPECIFIED'}"
    request = application_service_pb2.AddProductApplicationRequest(
        profile_id=options.profile_id,
        product=application_service_pb2.ProductReference(alias=options.product_alias, id=options.product_id),
        associated_role=application_pb2.AssociatedRole.Value(role),
        request_id=options.request_id)
    return gateway.call(gateway.applications.AddProductApplication, request).product_application


def get(gateway: Gateway, options: argparse.Namespace) -> Message:
    request = application_service_pb2.GetProductApplicationRequest(
        profile_id=options.profile_id, product_application_id=options.application_id)
    return gateway.call(gateway.applications.GetProductApplication, request).product_application


def list_applications(gateway: Gateway, options: argparse.Namespace) -> Message:
    request = application_service_pb2.ListProductApplicationsRequest(
        profile_id=options.profile_id, include_hidden=options.include_hidden)
    return gateway.call(gateway.applications.ListProductApplications, request)


def get_profile(gateway: Gateway, options: argparse.Namespace) -> Message:
    request = profile_service_pb2.GetProfileRequest(profile_id=options.profile_id)
    return gateway.call(gateway.profiles.GetProfile, request).profile


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(Exit.WRONG_USAGE, f"{self.prog}: {message}\n")


def parse_options() -> argparse.Namespace:
    every = argparse.ArgumentParser(add_help=False)
    every.add_argument("--target", default="127.0.0.1:50051", help="address of the gateway (%(default)s)")
    every.add_argument("--timeout", type=float, default=70, metavar="SECONDS",
                       help="how long to wait; Passfort itself may take 60 s (%(default)s)")
    every.add_argument("--ca-file", "--ca_file", type=read_pem, metavar="FILE",
                       help="authorities that vouch for the gateway, as PEM; without them the call goes in plain text")
    every.add_argument("--cert-file", "--cert_file", type=read_pem, metavar="FILE",
                       help="certificate by which the gateway knows the caller, as PEM; needs the other two files")
    every.add_argument("--key-file", "--key_file", type=read_pem, metavar="FILE",
                       help="private key of the certificate, as PEM")
    writing = argparse.ArgumentParser(add_help=False)
    writing.add_argument("--request-id", default="",
                         help="names the intent, so that a retry of this call executes nothing twice")
    one_profile = argparse.ArgumentParser(add_help=False)
    one_profile.add_argument("--profile-id", required=True, help="the Passfort profile (a UUID)")

    parser = Parser(description="Calls passfort-gateway and prints its reply as JSON.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[Gateway, argparse.Namespace], Message], text: str,
                *options: argparse.ArgumentParser) -> argparse.ArgumentParser:
        made = commands.add_parser(name, parents=[every, *options], help=text, description=text)
        made.set_defaults(run=run)
        return made

    creating = command("create", create, "creates a profile, with product applications", writing)
    creating.add_argument("--role", choices=names_of(profile_pb2.ProfileRole), required=True, metavar="ROLE",
                          help="what the profile is for, e.g. INDIVIDUAL_CUSTOMER")
    # No text on the command line, because the machine's other users can read that.
    creating.add_argument("--data", type=read_data, required=True, metavar="FILE",
                          help="what is known of the person or company, as JSON; - is standard input")
    creating.add_argument("--product-alias", action="append", default=[],
                          help="short name of a product to apply for, e.g. forexo_basic; may be repeated")
    adding = command("add", add, "adds a product application to a profile", one_profile, writing)
    adding.add_argument("--product-alias", default="", help="short name of the product, e.g. forexo_basic")
    adding.add_argument("--product-id", default="", help="id of the product, instead of its alias")
    adding.add_argument("--associated-role", choices=names_of(application_pb2.AssociatedRole), default="",
                        metavar="ROLE", help="role of a company's associate, e.g. DIRECTOR")
    getting = command("get", get, "reads a product application", one_profile)
    getting.add_argument("--application-id", required=True, help="the application (a UUID)")
    listing = command("list", list_applications, "lists the product applications of a profile", one_profile)
    listing.add_argument("--include-hidden", action="store_true", help="those that another one replaced too")
    command("profile", get_profile, "reads a profile with its product applications", one_profile)
    options = parser.parse_args()
    has_certificate = options.cert_file is not None
    if has_certificate != (options.key_file is not None) or (has_certificate and options.ca_file is None):
        parser.error("--cert-file and --key-file belong together, and need --ca-file")
    return options


def credentials_of(options: argparse.Namespace) -> grpc.ChannelCredentials | None:
    """A service that lives longer than its certificate makes a new channel when the files have changed."""
    if options.ca_file is None:
        return None
    return grpc.ssl_channel_credentials(options.ca_file, options.key_file, options.cert_file)


def read_pem(path: str) -> bytes:
    try:
        return pathlib.Path(path).read_bytes()
    except OSError as wrong:
        raise argparse.ArgumentTypeError(f"{path} cannot be read: {wrong.strerror}") from wrong


def read_data(path: str) -> struct_pb2.Struct:
    try:
        text = sys.stdin.read() if path == "-" else pathlib.Path(path).read_text(encoding="utf-8")
        return json_format.Parse(text, struct_pb2.Struct())
    except (OSError, UnicodeDecodeError, json_format.ParseError) as wrong:
        # Without the file's text, which is personal.
        raise argparse.ArgumentTypeError(f"{path} is no file with a JSON object") from wrong


def names_of(kind: Any) -> list[str]:
    """The names of an enum's values, without UNSPECIFIED and without the prefix that they share."""
    prefix = kind.Name(0).removesuffix("UNSPECIFIED")
    return [name.removeprefix(prefix) for name in kind.keys() if name != f"{prefix}UNSPECIFIED"]


def main() -> int:
    options = parse_options()
    try:
        with Gateway(options.target, options.timeout, credentials_of(options)) as gateway:
            reply = options.run(gateway, options)
    except GatewayError as error:
        print(error, file=sys.stderr)
        return Exit.UNKNOWN if error.is_unknown else Exit.NOT_EXECUTED
    print(json_format.MessageToJson(reply, preserving_proto_field_name=True))
    return Exit.DONE


if __name__ == "__main__":
    sys.exit(main())
