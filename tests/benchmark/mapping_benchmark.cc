// bench-mapping RESPONSE_FILE [Google Benchmark's flags]
//
// What it costs to read Passfort's JSON and to map it to the contract: time and allocations per
// response, for the response in RESPONSE_FILE and for ones grown from it to given sizes.

#include <benchmark/benchmark.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <new>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "passfort/gateway/v1/product_application.pb.h"
#include "service/json/json_reader.h"
#include "service/passfort/mapping/product_application_json.h"

namespace {

std::atomic<std::uint64_t> allocations = 0;

}  // namespace

// Counts every allocation of this program. The other forms of operator new call this one, and the
// matching operators delete end in free, so replacing the two is enough.
void* operator new(std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  void* memory = std::malloc(size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t /*size*/) noexcept { std::free(memory); }

namespace gateway::benchmark {
namespace {

using ::benchmark::State;

// Larger responses of this kind have more values than are read.
constexpr size_t kSizes[] = {1 << 10, 10 << 10, 100 << 10, 200 << 10};

// Runs `work` for every iteration and reports allocations and bytes per response.
template <typename Work>
void Measure(State& state, const std::string& text, Work work) {
  if (!ReadJson(text)) return state.SkipWithError("has more values than are read");
  const std::uint64_t before = allocations.load();
  for ([[maybe_unused]] const auto _ : state) work();
  const std::uint64_t after = allocations.load();
  state.counters["allocations"] = ::benchmark::Counter(static_cast<double>(after - before),
                                                       ::benchmark::Counter::kAvgIterations);
  state.counters["bytes"] = static_cast<double>(text.size());
}

void Read(State& state, const std::string& text) {
  Measure(state, text, [&text] { ::benchmark::DoNotOptimize(ReadJson(text)); });
}

void ReadAndMap(State& state, const std::string& text) {
  Measure(state, text, [&text] { ::benchmark::DoNotOptimize(ReadProductApplication(text)); });
}

// `response` with the first element of its list `member` repeated until the text has `bytes` bytes.
std::string GrownByList(nlohmann::json response, std::string_view member, size_t bytes) {
  nlohmann::json& list = response[std::string(member)];
  const nlohmann::json element = list.at(0);
  const size_t element_bytes = element.dump().size() + 1;
  size_t size = response.dump().size();
  for (; size + element_bytes <= bytes; size += element_bytes) list.push_back(element);
  return response.dump();
}

// `response` with members that the contract does not know until the text has `bytes` bytes.
std::string GrownByUnknownMembers(nlohmann::json response, size_t bytes) {
  const nlohmann::json value = {{"label", "Amber"}, {"score", 41.5}, {"regions", {"EU", "UAE"}}};
  const size_t value_bytes = value.dump().size();
  size_t size = response.dump().size();
  for (int number = 0;; ++number) {
    const std::string name = "unknown_member_" + std::to_string(number);
    const size_t member_bytes = value_bytes + name.size() + std::string_view(R"("":,)").size();
    if (size + member_bytes > bytes) return response.dump();
    response[name] = value;
    size += member_bytes;
  }
}

void Register(const std::string& name, const std::string& text) {
  ::benchmark::RegisterBenchmark(("read/" + name).c_str(), Read, text);
  ::benchmark::RegisterBenchmark(("read_and_map/" + name).c_str(), ReadAndMap, text);
}

int Main(int argc, char** argv) {
  ::benchmark::Initialize(&argc, argv);
  if (argc != 2) {
    std::cerr << "usage: bench-mapping RESPONSE_FILE [--benchmark_...]\n";
    return 2;
  }
  std::ifstream file(argv[1]);
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const std::optional<nlohmann::json> response = ReadJson(text);
  if (!response || !response->is_object()) {
    std::cerr << argv[1] << " holds no JSON object\n";
    return 1;
  }

  Register("response", text);
  for (const size_t bytes : kSizes) {
    const std::string size = std::to_string(bytes >> 10) + "kB";
    for (const std::string_view list : {"required_tasks", "history"}) {
      Register(std::string(list) + "/" + size, GrownByList(*response, list, bytes));
    }
    Register("unknown_members/" + size, GrownByUnknownMembers(*response, bytes));
  }
  ::benchmark::RunSpecifiedBenchmarks();
  return 0;
}

}  // namespace
}  // namespace gateway::benchmark

int main(int argc, char** argv) { return gateway::benchmark::Main(argc, argv); }
