#ifndef SERVICE_PASSFORT_MAPPING_APPLICATION_LIST_H_
#define SERVICE_PASSFORT_MAPPING_APPLICATION_LIST_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "passfort/gateway/v1/product_application.pb.h"
#include "service/json/json_sax.h"
#include "service/passfort/endpoint.h"

namespace gateway {

// One application of a profile: what it can be recognised by, and what a record keeps of it.
struct ListedApplication {
  // In lower case, as are all ids that are compared.
  std::string id;
  // Empty if Passfort left them out.
  std::string product_alias;
  std::string product_id;
  // Passfort's own name of the role, also one that the contract does not know. Empty if absent.
  std::string associated_role;

  // The rest is for ApplicationOf.
  pb::ProductApplicationStatus status = pb::PRODUCT_APPLICATION_STATUS_UNSPECIFIED;
  pb::ProductApplicationFlag flag = pb::PRODUCT_APPLICATION_FLAG_UNSPECIFIED;
  // As Passfort wrote them. Empty: in lower case too.
  std::string sent_id{};
  std::string sent_product_id{};
};

// A profile's applications, as far as Passfort's list of them could be read.
struct ApplicationList {
  std::vector<ListedApplication> applications;
  // False: some items of the list could not be read, or it is a part or an old copy of the list, so
  // what it does not show may be there all the same. Such a list never proves absence.
  bool is_complete = true;
  // Keeps its share of the memory for responses, if it is large.
  std::shared_ptr<const void> memory = nullptr;
};

// Reads the response to GET /profiles/{profile_id}/applications, as an ApplicationList. A list
// counts only if it came whole, with a 2xx, as a JSON array, and if no item says that it belongs to
// another profile. An item that is no object with a non-empty `id` is left out, and makes the list
// incomplete, as a status or a header does that says that it is a part (206) or not of this moment
// (Age). A list that exceeds a limit is told apart from one that cannot be read: asking again
// changes nothing. Everything else is what the table of outcomes makes of it.
//
// Of each item it reads what is compared and what a record keeps.
class ApplicationListReading final : public ResponseReading {
 public:
  ApplicationListReading(const HttpResponse& response, std::string_view profile_id);
  ~ApplicationListReading() override;

  bool ReadPiece() override;
  ReadResponse TakeOutcome(absl::Time now, const MessageFilter* messages) override;
  size_t BytesOf(const ApiResponse& response) const override;

 private:
  class Reader;

  const HttpResponse& response_;
  std::unique_ptr<Reader> reader_;
  JsonReading json_;
  JsonEnd end_ = JsonEnd::kBroken;
};

// What is read of the application: id, product, role, status and flag, as Passfort sent them.
pb::ProductApplication ApplicationOf(const ListedApplication& listed);

}  // namespace gateway

#endif  // SERVICE_PASSFORT_MAPPING_APPLICATION_LIST_H_
