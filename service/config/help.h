#ifndef SERVICE_CONFIG_HELP_H_
#define SERVICE_CONFIG_HELP_H_

#include <string>

namespace gateway {

// What --help prints: every setting with its kind, range, default and environment variable.
std::string HelpText();

// What --help-markdown prints: the same as the page docs/settings.md.
std::string HelpMarkdown();

// What --version prints.
std::string VersionText();

}  // namespace gateway

#endif  // SERVICE_CONFIG_HELP_H_
