"""A bill of materials as an SPDX 2.3 document."""

import dataclasses
import datetime
import hashlib
import os
import pathlib
import re
import uuid

from debian_packages import Package, declared_licence, spdx_expression

# What scanners and lawyers know to be nobody's word, rather than an omission.
UNKNOWN = "NOASSERTION"
# In the image.
BILL_FOLDER = "usr/share/sbom"


@dataclasses.dataclass
class Component:
    """A Debian package of which something is in the image."""

    package: Package
    copyright_text: str = ""
    linked: set[str] = dataclasses.field(default_factory=set)  # archives and object files that the program holds
    compiled: bool = False  # headers or .proto files became code of the program
    files: list[str] = dataclasses.field(default_factory=list)  # in the image
    loaded: bool = False  # among them shared libraries


@dataclasses.dataclass
class PatchedSource:
    """Debian's source package of gRPC, of which some files are compiled with our patch."""

    package: Package  # the binary package whose archive the compiled files went into
    tarball_sha256: str
    patch_sha256: str
    archives: set[str]


@dataclasses.dataclass
class Bill:
    program: str
    version: str
    components: list[Component]
    own_files: list[str]  # of no package: the program and what the image's build wrote
    patched: PatchedSource | None


def identifier(kind: str, name: str) -> str:
    return f"SPDXRef-{kind}-" + re.sub(r"[^A-Za-z0-9.-]", "-", name.replace("+", "plus"))


def file_identifier(path: str) -> str:
    # With a hash, because two paths may differ in a character that an identifier may not have.
    return identifier("File", path.strip("/")) + "-" + hashlib.sha256(path.encode()).hexdigest()[:8]


class Document:
    def __init__(self, root: pathlib.Path, bill: Bill):
        self._root = root
        self._bill = bill
        self._packages: list[dict] = []
        self._files: list[dict] = []
        self._relationships: list[dict] = []
        self._licences: dict[str, str] = {}

    def build(self) -> dict:
        bill = self._bill
        program = self._add_program()
        for component in bill.components:
            self._add_component(program, component)
        if bill.patched:
            self._add_patched_source(program, bill.patched)
        for path in bill.own_files:
            self._add_file(path, "")
        self._close_program(program)
        binary = (self._root / "usr/bin" / bill.program).read_bytes()
        moment = int(os.environ.get("SOURCE_DATE_EPOCH", datetime.datetime.now().timestamp()))
        return {
            "spdxVersion": "SPDX-2.3",
            "dataLicense": "CC0-1.0",
            "SPDXID": "SPDXRef-DOCUMENT",
            "name": f"{bill.program}-{bill.version}",
            "documentNamespace": uuid.uuid5(uuid.NAMESPACE_OID, hashlib.sha256(binary).hexdigest()).urn,
            "creationInfo": {
                "created": datetime.datetime.fromtimestamp(moment, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                "creators": [f"Tool: tools/image/make_root.py-{bill.version}"],
            },
            "packages": self._packages,
            "files": self._files,
            "relationships": self._relationships,
            "hasExtractedLicensingInfos": [
                {"licenseId": name, "name": name.removeprefix("LicenseRef-Debian-"), "extractedText": text}
                for name, text in sorted(self._licences.items())
            ],
        }

    def _relate(self, one: str, how: str, other: str) -> None:
        self._relationships.append({"spdxElementId": one, "relationshipType": how, "relatedSpdxElement": other})

    def _add_program(self) -> str:
        bill = self._bill
        program = identifier("Package", bill.program)
        self._packages.append(
            {
                "SPDXID": program,
                "name": bill.program,
                "versionInfo": bill.version,
                "primaryPackagePurpose": "APPLICATION",
                "supplier": UNKNOWN,
                "downloadLocation": UNKNOWN,
                "licenseConcluded": UNKNOWN,
                "licenseDeclared": UNKNOWN,
                "copyrightText": UNKNOWN,
            }
        )
        self._relate("SPDXRef-DOCUMENT", "DESCRIBES", program)
        return program

    def _close_program(self, program: str) -> None:
        """All files count as the program's, because SPDX has none in a package that is only referred to."""
        hashes = sorted(entry["checksums"][0]["checksumValue"] for entry in self._files)
        self._packages[0]["filesAnalyzed"] = True
        self._packages[0]["packageVerificationCode"] = {
            "packageVerificationCodeValue": hashlib.sha1("".join(hashes).encode()).hexdigest(),
            "packageVerificationCodeExcludedFiles": [f"./{BILL_FOLDER}/{self._bill.program}.spdx.json"],
        }
        for entry in self._files:
            self._relate(program, "CONTAINS", entry["SPDXID"])

    def _add_component(self, program: str, component: Component) -> None:
        package = component.package
        name = identifier("Package", package.name)
        comments = []
        if component.linked:
            comments.append("linked statically: " + " ".join(sorted(component.linked)))
        if component.compiled:
            comments.append("headers or .proto files compiled into the program")
        entry = {
            "SPDXID": name,
            "name": package.name,
            "versionInfo": package.version,
            "primaryPackagePurpose": "LIBRARY" if component.loaded or component.linked else "OTHER",
            "supplier": "Organization: Debian",
            "downloadLocation": UNKNOWN,
            "filesAnalyzed": False,
            "sourceInfo": f"built by Debian from its source package {package.source} {package.source_version}",
            "licenseConcluded": UNKNOWN,
            "licenseDeclared": self._declared(component),
            "licenseComments": f"in full in the image: /usr/share/doc/{package.name}/copyright",
            "copyrightText": UNKNOWN,
            "externalRefs": [purl_reference(package.purl())],
        }
        if package.homepage:
            entry["homepage"] = package.homepage
        if comments:
            entry["comment"] = "; ".join(comments)
        self._packages.append(entry)
        if component.linked or component.compiled:
            self._relate(program, "STATIC_LINK", name)
        if component.loaded:
            self._relate(program, "DYNAMIC_LINK", name)
        if not (component.linked or component.compiled or component.loaded):
            self._relate(program, "CONTAINS", name)
        for path in sorted(component.files):
            self._add_file(path, f"from Debian's package {package.name}")

    def _add_patched_source(self, program: str, patched: PatchedSource) -> None:
        package = patched.package
        name = identifier("Package", f"{package.source}-patched")
        self._packages.append(
            {
                "SPDXID": name,
                "name": package.source,
                "versionInfo": package.source_version,
                "primaryPackagePurpose": "SOURCE",
                "supplier": "Organization: Debian",
                "downloadLocation": UNKNOWN,
                "filesAnalyzed": False,
                "checksums": [{"algorithm": "SHA256", "checksumValue": patched.tarball_sha256}],
                "sourceInfo": "Debian's source package, of which the files that cmake/grpc/fetch.sh lists are compiled "
                f"with cmake/grpc/grpc-1.51.1.patch (SHA-256 {patched.patch_sha256}), and replace those in the archive "
                f"of {package.name}; the checksum is that of its .orig.tar.gz",
                "licenseConcluded": UNKNOWN,
                "licenseDeclared": self._declared_by_package[package.name],
                "copyrightText": UNKNOWN,
                "comment": "linked statically: " + " ".join(sorted(patched.archives)),
                "externalRefs": [
                    purl_reference(dataclasses.replace(
                        package, name=package.source, version=package.source_version, architecture="source"
                    ).purl())
                ],
            }
        )  # fmt: skip
        self._relate(program, "STATIC_LINK", name)
        # Only some members of the archive are replaced; the others are Debian's own.
        self._relate(name, "VARIANT_OF", identifier("Package", package.name))

    def _declared(self, component: Component) -> str:
        licence = declared_licence(component.copyright_text)
        if licence is None:
            return UNKNOWN
        expression = spdx_expression(licence)
        for reference in re.findall(r"LicenseRef-\S+", expression):
            self._licences[reference] = f"See /usr/share/doc/{component.package.name}/copyright."
        return expression

    @property
    def _declared_by_package(self) -> dict[str, str]:
        return {entry["name"]: entry["licenseDeclared"] for entry in self._packages}

    def _add_file(self, path: str, comment: str) -> None:
        content = (self._root / path.lstrip("/")).read_bytes()
        self._files.append(
            {
                "SPDXID": file_identifier(path),
                "fileName": "." + path,
                "checksums": [
                    {"algorithm": "SHA1", "checksumValue": hashlib.sha1(content).hexdigest()},
                    {"algorithm": "SHA256", "checksumValue": hashlib.sha256(content).hexdigest()},
                ],
                "licenseConcluded": UNKNOWN,
                "copyrightText": UNKNOWN,
                **({"comment": comment} if comment else {}),
            }
        )


def purl_reference(purl: str) -> dict:
    return {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl}
