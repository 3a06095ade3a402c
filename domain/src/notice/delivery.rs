//! What becomes of a notice on its way to an endpoint.
//!
//! Owns the coded values. When a failed one is tried again stands in `retry`.

use crate::coded_value::coded_values;

coded_values! {
    /// The state of a delivery.
    DeliveryState {
        /// It waits for its turn, or to be tried again.
        Pending = "pending", "待投递", "Pending";
        /// The receiver has it.
        Delivered = "delivered", "已送达", "Delivered";
        /// It failed for three days, or there is nothing left to send.
        GivenUp = "given_up", "已放弃", "Given up";
        /// It reaches nobody: no phone has a token of this provider.
        Skipped = "skipped", "无需投递", "Skipped";
    }
}

coded_values! {
    /// Why a try failed.
    Fault as "DeliveryFault" {
        /// The name leads to an address that this server does not send to.
        AddressRefused = "address_refused", "目标地址不允许", "The address is not allowed";
        /// The name is unknown, the connection was refused or broke, or TLS failed.
        Unreachable = "unreachable", "无法连接", "Unreachable";
        /// No answer in time.
        TimedOut = "timed_out", "超时", "Timed out";
        /// The answer leads elsewhere: redirections are not followed.
        Redirected = "redirected", "被重定向", "Redirected";
        /// The receiver asks for fewer requests, or cannot serve now.
        Busy = "busy", "对方繁忙", "Busy";
        /// Any other answer than 2xx.
        Refused = "refused", "对方拒绝", "Refused";
        /// 410: the receiver wants no more deliveries.
        Gone = "gone", "对方已停用", "Gone";
        /// The notice was no longer kept.
        Expired = "expired", "通知已过期", "Expired";
    }
}

impl Fault {
    /// Whether the endpoint as a whole is in trouble, so that it rests, and not only this delivery.
    #[must_use]
    pub const fn is_of_endpoint(self) -> bool {
        matches!(
            self,
            Self::AddressRefused | Self::Unreachable | Self::TimedOut | Self::Busy
        )
    }
}

coded_values! {
    /// Why nothing is sent to an endpoint.
    PauseReason {
        /// Somebody asked for it.
        Requested = "requested", "人工暂停", "Requested";
        /// Nothing came through for long.
        Failing = "failing", "持续失败", "Failing";
        /// The receiver answered 410.
        Gone = "gone", "对方已停用", "Gone";
    }
}
