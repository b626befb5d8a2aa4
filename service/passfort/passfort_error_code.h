#ifndef SERVICE_PASSFORT_PASSFORT_ERROR_CODE_H_
#define SERVICE_PASSFORT_PASSFORT_ERROR_CODE_H_

namespace gateway {

// Passfort's own error codes, by the names of the vendor's OpenAPI file. They are no HTTP statuses.
// What is not documented stays a number.
enum class PassfortErrorCode : int {
  kMissingRequiredFields = 101,
  kEntityAlreadyApproved = 102,
  kEntityAlreadyRejected = 103,
  kChargeableLimitReached = 104,
  kConstraintsNotSatisfied = 105,
  kCountryNotSupported = 106,
  kCheckLimitReached = 107,
  kInvalidInputData = 201,
  kDataPresent = 202,
  kMissingApiKey = 203,
  kInvalidApiKey = 204,
  kUserMigrationError = 301,
  kProviderConnectionError = 302,
  kProviderUnknownError = 303,
  kUnknownInternalError = 401,
  kTransitionError = 402,
  kLegacyError = 501,
  kProcessNotSetup = 502,
};

constexpr bool operator==(int number, PassfortErrorCode code) {
  return number == static_cast<int>(code);
}

}  // namespace gateway

#endif  // SERVICE_PASSFORT_PASSFORT_ERROR_CODE_H_
