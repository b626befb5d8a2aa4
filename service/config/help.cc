#include "service/config/help.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <variant>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "service/base/version.h"
#include "service/config/setting_value.h"
#include "service/config/settings.h"

namespace gateway {
namespace {

constexpr size_t kColumns = 80;
constexpr absl::string_view kIndent = "      ";

constexpr absl::string_view kIntroduction =
    "passfort-gateway: gRPC in front of Passfort's REST API\n"
    "\n"
    "Usage: passfort-gateway [--SETTING=VALUE | --SETTING VALUE | --SWITCH]...\n"
    "\n"
    "Setting x_y is the flag --x_y and the environment variable\n"
    "PASSFORT_GATEWAY_X_Y; the flag wins. Durations are written 250ms, 65s, 2m or\n"
    "1h, bytes 65536, 64KiB or 1MiB.\n"
    "\n";

absl::string_view Absl(std::string_view text) { return {text.data(), text.size()}; }

void AppendWrapped(absl::string_view text, std::string& out) {
  size_t column = 0;
  for (const absl::string_view word : absl::StrSplit(text, ' ')) {
    if (column > 0 && column + 1 + word.size() > kColumns) {
      out += '\n';
      column = 0;
    }
    const absl::string_view before = column == 0 ? kIndent : absl::string_view(" ");
    absl::StrAppend(&out, before, word);
    column += before.size() + word.size();
  }
  out += '\n';
}

void AppendSetting(const Setting& setting, std::string& out) {
  if (std::holds_alternative<SecretKind>(setting.kind)) {
    absl::StrAppend(&out, "  ", EnvironmentName(setting), "=", Absl(Placeholder(setting.kind)),
                    " (no flag: ", Absl(setting.name), ")\n");
  } else {
    absl::StrAppend(&out, "  --", Absl(setting.name), "=", Absl(Placeholder(setting.kind)), "\n");
  }
  AppendWrapped(Absl(setting.help), out);
  AppendWrapped(absl::StrCat("Range: ", RangeOf(setting.kind), "."), out);
  const absl::string_view default_value =
      setting.default_value.empty() ? "none" : Absl(setting.default_value);
  AppendWrapped(
      absl::StrCat("Default: ", default_value, ". Environment: ", EnvironmentName(setting)), out);
}

constexpr absl::string_view kMarkdownIntroduction =
    "# Settings\n"
    "\n"
    "`passfort-gateway --help-markdown` prints this page, and a test compares the two.\n"
    "\n"
    "Setting `x_y` is the flag `--x_y` and the environment variable `PASSFORT_GATEWAY_X_Y`; the "
    "flag wins. A wrong\n"
    "value or an unknown flag stops the start and is named. Durations are written `250ms`, `65s`, "
    "`2m` or `1h`, bytes\n"
    "`65536`, `64KiB` or `1MiB`.\n"
    "\n"
    "| Setting | Values | Default | Meaning |\n"
    "|---|---|---|---|\n";

// A bar would end the cell.
std::string Cell(absl::string_view text) { return absl::StrReplaceAll(text, {{"|", "\\|"}}); }

std::string Code(absl::string_view text) { return absl::StrCat("`", text, "`"); }

void AppendRow(const Setting& setting, std::string& out) {
  const bool has_default = !setting.default_value.empty();
  absl::StrAppend(&out, "| ", Code(Absl(setting.name)), " | ", Cell(RangeOf(setting.kind)), " | ",
                  has_default ? Code(Absl(setting.default_value)) : "none", " | ",
                  Cell(Absl(setting.help)), " |\n");
}

}  // namespace

std::string HelpMarkdown() {
  std::string text(kMarkdownIntroduction);
  for (const Setting& setting : AllSettings()) AppendRow(setting, text);
  return text;
}

std::string HelpText() {
  std::string text(kIntroduction);
  for (const Setting& setting : AllSettings()) AppendSetting(setting, text);
  absl::StrAppend(&text, "  --help\n", kIndent, "Prints this text.\n");
  absl::StrAppend(&text, "  --help-markdown\n", kIndent, "Prints the settings as a page.\n");
  absl::StrAppend(&text, "  --version\n", kIndent, "Prints the version.\n");
  return text;
}

std::string VersionText() {
  return absl::StrCat("passfort-gateway ", kVersion, HasHardenedGrpc() ? " (hardened gRPC)" : "",
                      "\n");
}

}  // namespace gateway
