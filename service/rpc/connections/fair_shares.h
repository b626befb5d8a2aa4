#ifndef SERVICE_RPC_CONNECTIONS_FAIR_SHARES_H_
#define SERVICE_RPC_CONNECTIONS_FAIR_SHARES_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>

namespace gateway {

// A number of places that holders take one at a time. As long as they are plenty, anybody may have
// as many as there are. The last `kept` ones are for those who hold less than their share: what
// each would have if one holder more came. So nobody can keep the others out. Not safe from several
// threads.
class FairShares {
 public:
  FairShares(size_t places, size_t kept) : places_(places), plenty_(places - kept) {}

  enum class Result { kTaken, kFull, kShareUsedUp };
  // kTaken takes a place, which `Give` gives back. An empty name is nobody's: no share binds it.
  Result Take(std::string_view holder);
  void Give(std::string_view holder);

  size_t taken() const { return taken_; }

 private:
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };

  const size_t places_;
  const size_t plenty_;
  size_t taken_ = 0;
  std::unordered_map<std::string, size_t, Hash, std::equal_to<>> by_holder_;
};

}  // namespace gateway

#endif  // SERVICE_RPC_CONNECTIONS_FAIR_SHARES_H_
