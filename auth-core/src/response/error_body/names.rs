//! The names under which servers send what belongs to an error.

/// Members that hold a code, the likeliest first. Some hold a number.
pub(super) const CODE: [&str; 24] = [
    "error",
    "Error",
    "code",
    "Code",
    "error_code",
    "errorCode",
    // Apigee
    // (https://docs.apigee.com/api-platform/reference/policies/oauth-http-status-code-reference).
    "ErrorCode",
    "errorcode",
    "errorType",
    "error_type",
    "ErrorType",
    "error_subtype",
    "errorSubtype",
    "suberror",
    "subError",
    "error_subcode",
    "errorSubcode",
    "__type",
    "errcode",
    "errCode",
    "err_code",
    "errno",
    "error_no",
    "errorNo",
];

/// Members that may hold a code. Within an error, `type` is one of the others.
pub(super) const WEAK_CODE: [&str; 3] = ["type", "status", "reason"];

/// Members that hold an explanation, the best first.
pub(super) const TEXT: [&str; 29] = [
    "error_description",
    "errorDescription",
    "ErrorDescription",
    "errorSummary",
    "message",
    "Message",
    "error_message",
    "errorMessage",
    "ErrorMessage",
    "error_msg",
    "errorMsg",
    "description",
    "msg",
    "errmsg",
    "errMsg",
    "err_msg",
    // RFC 9457 section 3.1; FastAPI and Django have the first.
    "detail",
    "title",
    "faultstring",
    "reason",
    "error_hint",
    "errorHint",
    "hint",
    "error_detail",
    "errorDetail",
    "long_message",
    "longMessage",
    "sub_msg",
    "resource",
];

/// Members that should hold a code, and at times hold a sentence.
pub(super) const EXPLAINED: [&str; 2] = ["error", "Error"];

/// Members that hold an error, and whether they hold nothing else.
pub(super) const NESTED: [(&str, bool); 9] = [
    ("error", true),
    ("errors", true),
    ("Error", true),
    ("fault", true),
    // An object of FastAPI, or a list of what is wrong with a form
    // (https://fastapi.tiangolo.com/tutorial/handling-errors/).
    ("detail", false),
    // Douyin
    // (https://developer.open-douyin.com/docs/resource/zh-CN/dop/develop/openapi/account-permission/refresh-access-token).
    ("data", false),
    // Where the tokens would stand, too.
    ("result", false),
    ("response", false),
    ("body", false),
];

/// Members that say whether it went well.
pub(super) const SUCCESS: [&str; 5] = ["ok", "success", "succeeded", "successful", "isSuccess"];

/// Members that hold a wait in seconds.
pub(super) const WAIT: [&str; 5] =
    ["retry_after", "retryAfter", "retry-after", "retry_after_seconds", "retryAfterSeconds"];

/// Members that hold one in milliseconds.
pub(super) const WAIT_MS: [&str; 3] = ["retry_after_ms", "retryAfterMs", "retry-after-ms"];
