#ifndef SERVICE_APP_PROCESS_H_
#define SERVICE_APP_PROCESS_H_

#include <signal.h>

#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace gateway {

// What the process does to itself before it reads a setting. Main thread only, before there is a
// second one, in the order in which the functions stand here.

// No core file and no other process of the user gets to see the memory, which will hold the API key
// and personal data. New files belong to the user alone.
void ShieldProcess();

// A standard stream that is closed at the start would lend its number to the next file that is
// opened: log lines would go into that one, and libuv ends a process that closes such a number.
void ReserveStandardStreams();

// Unsets the variables by which libraries would take orders beside the gateway's own settings:
// GRPC_*, SSL*, OPENSSL_*, PG* except for PGPASSFILE, MALLOCSTATS and TCMALLOC_*. SSLKEYLOGFILE,
// for one, makes libcurl write the keys of its sessions to a file. Returns their names.
std::vector<std::string> UnsetLibraryVariables();

// InvalidArgument if one of those that were unset is TCMALLOC_*: tcmalloc reads them before `main`.
absl::Status CheckAllocatorVariables(std::span<const std::string> unset);

// Overwrites the values of all PASSFORT_GATEWAY_* variables where the kernel keeps them, for
// /proc/PID/environ shows them as long as the process lives, and unsets them. For when they have
// been read.
void EraseSettingVariables();

// Every call in flight needs a descriptor, and the limit that shells and containers start with is
// often 1024. Nothing to do if it cannot be raised: connections then fail before anything is sent.
void RaiseDescriptorLimit();

// Blocks the signals that ask for an orderly end and returns them, for `sigwait` in the main thread
// alone to see them. Ignores those that would otherwise end the process in the middle of a call for
// nothing: SIGPIPE, SIGUSR1, SIGUSR2, and SIGXFSZ, which comes beside an error that is handled.
sigset_t BlockTerminationSignals();

}  // namespace gateway

#endif  // SERVICE_APP_PROCESS_H_
