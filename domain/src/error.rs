//! The one table of error codes: name, HTTP status, titles in Chinese and English.
//!
//! Every refusal the product can give stands here once. The API turns a [`Code`] into an RFC 9457
//! problem document; a test proves that each code is used and documented. The status is plain data
//! here: this crate knows nothing of HTTP.

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $status:literal, $zh:literal, $en:literal;)+) => {
        /// A stable error code. Clients switch on its name, never on texts.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code { $($(#[$doc])* $name,)+ }

        impl Code {
            /// All codes, in the order of the table.
            pub const ALL: &'static [Code] = &[$(Code::$name,)+];

            /// The stable, machine-readable name.
            #[must_use]
            pub const fn code(self) -> &'static str { match self { $(Code::$name => $code,)+ } }

            /// The HTTP status it is answered with.
            #[must_use]
            pub const fn status(self) -> u16 { match self { $(Code::$name => $status,)+ } }

            /// The title in Chinese (zh-CN), the default language.
            #[must_use]
            pub const fn title_zh(self) -> &'static str { match self { $(Code::$name => $zh,)+ } }

            /// The title in English.
            #[must_use]
            pub const fn title_en(self) -> &'static str { match self { $(Code::$name => $en,)+ } }
        }
    };
}

codes! {
    // Syntax and size.
    /// The body is not JSON (or not UTF-8), or the request line or a header cannot be read.
    MalformedRequest = "malformed_request", 400, "请求格式有误", "The request cannot be read";
    /// The body is longer than this operation allows.
    BodyTooLarge = "body_too_large", 413, "请求内容过大", "The request body is too large";
    /// The content type is not one this operation reads.
    UnsupportedMediaType = "unsupported_media_type", 415, "不支持的内容类型", "The content type is not supported";
    /// The body did not arrive in time.
    RequestTimeout = "request_timeout", 408, "请求接收超时", "The request did not arrive in time";

    // Identity.
    /// No bearer token, or one this server did not sign.
    Unauthenticated = "unauthenticated", 401, "请先登录", "Sign in first";
    /// The access token has expired: refresh it.
    TokenExpired = "token_expired", 401, "登录凭证已过期，请刷新", "The access token has expired; refresh it";
    /// The session is over: sign in again.
    SessionEnded = "session_ended", 401, "会话已结束，请重新登录", "The session has ended; sign in again";
    /// The name or the password is wrong.
    CredentialsInvalid = "credentials_invalid", 401, "用户名或密码错误", "The username or password is wrong";
    /// Too many failed sign-ins.
    LoginLocked = "login_locked", 429, "登录失败次数过多，请稍后再试", "Too many failed sign-ins; try again later";
    /// The invitation is wrong, spent, replaced or expired.
    InvitationInvalid = "invitation_invalid", 401, "邀请码无效或已失效", "The invitation is not valid";
    /// Nothing but the password may be changed before that is done.
    PasswordChangeRequired = "password_change_required", 403, "请先修改初始密码", "Change the initial password first";
    /// A service account called something that only people may call.
    ServiceAccountRefused = "service_account_refused", 403, "服务账号无权执行此操作", "A service account may not do this";
    /// A signed link is wrong or has expired.
    LinkInvalid = "link_invalid", 403, "链接无效或已过期", "The link is not valid or has expired";

    // Shape and values.
    /// At least one value is wrong; `errors` names each.
    ValidationFailed = "validation_failed", 422, "提交的内容有误", "The request has invalid values";
    /// An `Idempotency-Key` was used before for another request.
    KeyReused = "key_reused", 422, "幂等键已用于其他请求", "The Idempotency-Key was used for another request";
    /// A photo is not a picture, or larger in pixels than allowed, or differs from what was declared.
    PhotoRejected = "photo_rejected", 422, "照片无法接收", "The photo cannot be accepted";

    // Sight and standing.
    /// It does not exist, or lies outside the caller's scope.
    NotFound = "not_found", 404, "未找到", "Not found";
    /// No such path.
    NoSuchRoute = "no_such_route", 404, "接口不存在", "No such route";
    /// The path exists, this method does not.
    MethodNotAllowed = "method_not_allowed", 405, "不支持的请求方法", "The method is not allowed here";
    /// The caller sees it, but the caller's role may never do this.
    NotPermitted = "not_permitted", 403, "您的岗位无权执行此操作", "Your role may not do this";

    // Preconditions and state.
    /// `If-Match` names an older version.
    VersionMismatch = "version_mismatch", 412, "内容已被他人更新", "It has changed since you read it";
    /// `If-Match` is required.
    PreconditionRequired = "precondition_required", 428, "缺少 If-Match 请求头", "An If-Match header is required";
    /// The same id was filed with another content.
    IdConflict = "id_conflict", 409, "编号已被其他内容使用", "The id was used with another content";
    /// The report's status does not allow the action.
    WrongStatus = "wrong_status", 409, "当前状态不允许此操作", "The report's status does not allow this";
    /// Another grid holds the report now.
    NotHolder = "not_holder", 409, "事件目前不由您的网格负责", "Another grid holds the report now";
    /// Somebody else is to act now.
    NotAtDesk = "not_at_desk", 409, "当前不在您的待办中", "Somebody else is to act now";
    /// There is no tier above to escalate to.
    NothingAbove = "nothing_above", 409, "没有可上报的上级", "There is no tier above";
    /// It was returned as often as allowed; the escalation stands.
    ReturnLimit = "return_limit", 409, "退回次数已达上限", "It cannot be returned again";
    /// From serious up, a photo taken afterwards must have arrived before closing.
    AfterPhotoRequired = "after_photo_required", 409, "结案前须上传整改后照片", "An after-photo must have arrived first";
    /// The closing rule asks for a higher tier.
    HigherTierCloses = "higher_tier_closes", 409, "须由上级网格结案", "A higher tier must close this";
    /// From serious up, another person than who resolved it must close it.
    OtherPersonCloses = "other_person_closes", 409, "处置人不能自行结案", "Another person must close this";
    /// Closing an open report as handled needs a result.
    ResultRequired = "result_required", 409, "结案前须填写处置结果", "A result is required before closing";
    /// The assignee lies outside the holder's grids, or is not posted there.
    TargetInvalid = "target_invalid", 409, "指派对象不在可指派范围内", "It cannot be assigned there";
    /// The desk has accepted it already.
    AlreadyAccepted = "already_accepted", 409, "已受理", "It is accepted already";
    /// It can no longer be declined: declined once before, accepted, or too late.
    DeclineOver = "decline_over", 409, "已不能退单", "It can no longer be declined";
    /// Nothing lapsed that could be recalled, or it is too late.
    RecallOver = "recall_over", 409, "已不能撤回", "There is nothing to recall";
    /// More time was asked for already, or too late.
    ExtensionOver = "extension_over", 409, "已不能申请延期", "More time can no longer be asked for";
    /// Nobody asked, so there is nothing to answer.
    NothingAsked = "nothing_asked", 409, "没有待答复的申请", "Nothing waits for an answer";
    /// Another person than who asked grants more time.
    OtherPersonGrants = "other_person_grants", 409, "申请人不能自行审批", "Another person must decide on this";
    /// It is at the county already.
    AlreadyReferred = "already_referred", 409, "已移送县级", "It is at the county already";
    /// It was urged a short while ago.
    UrgedLately = "urged_lately", 409, "刚刚催办过，请稍后再试", "It was urged a short while ago";
    /// It was closed too long ago to be reopened.
    ReopenOver = "reopen_over", 409, "已超过可重新办理的期限", "It was closed too long ago";
    /// Another grid has the code, or had it: codes are never given twice.
    CodeTaken = "code_taken", 409, "区划代码已被使用", "The code is or was another grid's";
    /// The grid has ended.
    GridArchived = "grid_archived", 409, "网格已撤销", "The grid has ended";
    /// It cannot lie or move there.
    ParentInvalid = "parent_invalid", 409, "上级网格不合适", "It cannot lie below that grid";
    /// This grid cannot take over.
    SuccessorInvalid = "successor_invalid", 409, "承接网格不合适", "That grid cannot take over";
    /// Something depends on the grid and needs a successor.
    GridInUse = "grid_in_use", 409, "网格下仍有网格或未结事件", "Something still depends on the grid";
    /// The officer has this role at this grid for some of that time already.
    PostingOverlap = "posting_overlap", 409, "任职时间重叠", "The officer is posted there already";
    /// The posting has ended and stays on record as it was.
    PostingOver = "posting_over", 409, "任职已结束", "The posting is over";
    /// Who an officer was is erased only after the officer has left.
    StillServing = "still_serving", 409, "仍在任职或账号未停用", "Still posted, or the account is not disabled";
    /// There is always an admin who can sign in.
    LastAdmin = "last_admin", 409, "至少须保留一名管理员", "The last admin stays";
    /// The photo belongs to another report or was declared by somebody else.
    PhotoTaken = "photo_taken", 409, "照片已属于其他事件", "The photo belongs elsewhere";
    /// The photo's content has not arrived yet.
    PhotoMissing = "photo_missing", 404, "照片尚未上传", "The photo has not arrived yet";
    /// The picture's smaller copies are being made.
    RenditionPending = "rendition_pending", 404, "缩略图正在生成", "The rendition is being made";
    /// No smaller copy can be made of this picture; the original is kept.
    RenditionUnavailable = "rendition_unavailable", 404, "无法生成缩略图", "There is no rendition of this photo";
    /// The requested range lies outside the file.
    RangeNotSatisfiable = "range_not_satisfiable", 416, "请求范围无效", "The range cannot be satisfied";

    /// There are as many of these as allowed already.
    LimitReached = "limit_reached", 409, "数量已达上限", "There are as many as allowed already";
    /// It has ended and can no longer be changed.
    AlreadyEnded = "already_ended", 409, "已终止，不能再更改", "It has ended and can no longer be changed";

    // The server.
    /// The caller asks more often than allowed. Wait as long as `Retry-After` says.
    RateLimited = "rate_limited", 429, "请求过于频繁，请稍后再试", "Too many requests; wait a little";
    /// More is asked of the server than it can do at once. Try again.
    Overloaded = "overloaded", 503, "服务繁忙，请稍后重试", "The server is busy; try again";
    /// The database or the photo store cannot serve now. Try again.
    Unavailable = "unavailable", 503, "服务暂时不可用，请稍后重试", "The service is unavailable for the moment";
    /// A fault of the server, never of the input.
    Internal = "internal", 500, "服务器内部错误", "An internal fault";
}

impl std::fmt::Display for Code {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.code())
    }
}
