#include "service/authorization/authz_check.h"

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "service/authorization/authorization_policy.h"
#include "service/authorization/message_text.h"
#include "service/authorization/positioned_json.h"
#include "service/authorization/principal_pattern.h"
#include "service/base/small_file.h"

namespace gateway {
namespace {

constexpr std::string_view kUsage =
    R"(Usage: passfort-gateway authz check FILE --principal P --method M

Says whether the authorization policy in FILE lets the caller P call the method M, and by which
rule. Reads nothing but FILE, so a candidate can be checked before the gateway sees it.

  --principal P  the caller's identity, as in its certificate: spiffe://example.org/onboarding
  --method M     /package.Service/Method, Service/Method, or Method if only one service has it

Exit codes: 0 allowed; 1 denied; 2 the file is bad, or the arguments are.
)";

struct Question {
  std::string_view file;
  std::string_view principal;
  std::string_view method;
};

// Takes `--name VALUE` or `--name=VALUE` off `arguments`. Nothing if they begin with another thing.
std::optional<std::string_view> TakeOption(std::span<const std::string_view>& arguments,
                                           std::string_view name) {
  std::string_view first = arguments.front();
  if (first == name && arguments.size() > 1) {
    const std::string_view value = arguments[1];
    arguments = arguments.subspan(2);
    return value;
  }
  if (!first.starts_with(name) || !first.substr(name.size()).starts_with('=')) return std::nullopt;
  arguments = arguments.subspan(1);
  return first.substr(name.size() + 1);
}

absl::Status SetOnce(std::optional<std::string_view>& field, std::string_view name,
                     std::string_view value) {
  if (field.has_value()) return absl::InvalidArgumentError(MessageText(name, " is there twice"));
  field = value;
  return absl::OkStatus();
}

absl::StatusOr<Question> ReadArguments(std::span<const std::string_view> arguments) {
  std::optional<std::string_view> file;
  std::optional<std::string_view> principal;
  std::optional<std::string_view> method;
  absl::Status status;
  while (status.ok() && !arguments.empty()) {
    if (const auto value = TakeOption(arguments, "--principal")) {
      status = SetOnce(principal, "--principal", *value);
    } else if (const auto value = TakeOption(arguments, "--method")) {
      status = SetOnce(method, "--method", *value);
    } else if (arguments.front().starts_with('-')) {
      status = absl::InvalidArgumentError(
          MessageText(arguments.front(), " is no option here, or has no value"));
    } else {
      status = SetOnce(file, "FILE", arguments.front());
      arguments = arguments.subspan(1);
    }
  }
  if (!status.ok()) return status;
  if (!file || !principal || !method) {
    return absl::InvalidArgumentError("FILE, --principal and --method are all needed");
  }
  // Nobody, "", is a caller that one may ask about.
  if (!principal->empty()) status = CheckPrincipal(*principal);
  if (!status.ok())
    return absl::InvalidArgumentError(MessageText("--principal ", status.message()));
  return Question{.file = *file, .principal = *principal, .method = *method};
}

// Whether `name` is short for `path`: what is left out ends at a dot or slash.
bool IsNameOf(std::string_view name, std::string_view path) {
  if (!path.ends_with(name)) return false;
  const std::string_view left_out = path.substr(0, path.size() - name.size());
  return left_out.empty() || left_out.ends_with('/') || left_out.ends_with('.');
}

absl::StatusOr<std::string_view> FindMethod(std::string_view name,
                                            std::span<const std::string_view> methods) {
  std::vector<std::string_view> found;
  for (const std::string_view method : methods) {
    if (!name.empty() && IsNameOf(name, method)) found.push_back(method);
  }
  if (found.size() == 1) return found.front();
  const std::span<const std::string_view> choices = found.empty() ? methods : found;
  return absl::InvalidArgumentError(MessageText(
      "--method ", name, found.empty() ? " is none of this gateway's" : " is more than one",
      "; choose one of:\n  ", JoinedText(choices, "\n  ")));
}

absl::StatusOr<AuthorizationPolicy> ReadPolicy(std::string_view path,
                                               std::span<const std::string_view> methods,
                                               std::ostream& err) {
  const absl::StatusOr<SmallFile> content =
      ReadSmallFile(std::string(path), AuthorizationPolicy::kMaxBytes);
  absl::StatusOr<AuthorizationPolicy> policy =
      content.ok() ? AuthorizationPolicy::Parse(content->text, methods) : content.status();
  if (!policy.ok()) {
    return absl::InvalidArgumentError(MessageText(path, ": ", policy.status().message()));
  }
  // Not an error here: in a working copy of a repository that is usual.
  if (content->IsWritableByOthers()) {
    err << "warning: " << path
        << ": others than its owner can write it; the gateway refuses such a file (chmod go-w)\n";
  }
  return policy;
}

void Print(const AuthorizationPolicy& policy, const AuthorizationDecision& decision,
           const Question& question, std::string_view method, std::ostream& out) {
  out << (decision.allowed ? "allowed" : "denied") << ": " << QuotedForMessage(question.principal)
      << " calling " << method << "\n";
  if (question.principal.empty()) {
    out << "rule: none; a caller without a principal is always denied\n";
  } else if (decision.rule.empty()) {
    out << "rule: none matches, so the call is denied\n";
  } else {
    out << "rule: " << QuotedForMessage(decision.rule) << "\n";
  }
  out << "policy: " << QuotedForMessage(policy.name()) << ", " << policy.digest() << "\n";
}

int WrongUsage(const absl::Status& status, std::ostream& err) {
  err << "authz check: " << status.message() << "\nFor help: passfort-gateway authz check --help\n";
  return kAuthzError;
}

bool AsksForHelp(std::span<const std::string_view> arguments) {
  for (const std::string_view argument : arguments) {
    if (argument == "--help") return true;
  }
  return false;
}

}  // namespace

int AuthzCheck(std::span<const std::string_view> arguments,
               std::span<const std::string_view> methods, std::ostream& out, std::ostream& err) {
  if (AsksForHelp(arguments)) {
    out << kUsage;
    return 0;
  }
  const absl::StatusOr<Question> question = ReadArguments(arguments);
  if (!question.ok()) return WrongUsage(question.status(), err);
  const absl::StatusOr<std::string_view> method = FindMethod(question->method, methods);
  if (!method.ok()) return WrongUsage(method.status(), err);
  const absl::StatusOr<AuthorizationPolicy> policy = ReadPolicy(question->file, methods, err);
  if (!policy.ok()) {
    err << "authz check: " << policy.status().message() << "\n";
    return kAuthzError;
  }
  const AuthorizationDecision decision = policy->Decide(question->principal, *method);
  Print(*policy, decision, *question, *method, out);
  return decision.allowed ? kAuthzAllowed : kAuthzDenied;
}

}  // namespace gateway
