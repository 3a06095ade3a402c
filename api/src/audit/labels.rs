//! The names of event kinds for people.
//!
//! Owns the names that no other module has. It must not name events of reports (the domain does), grids
//! (`grids::record`) or teams (`teams::commands`).

use gridpatrol_domain::coded_value::CodedValue as _;
use gridpatrol_domain::report::EventKind;

use gridpatrol_people::grids::record as grids;
use gridpatrol_people::teams::commands as teams;
use gridpatrol_problem::language::Language;

/// Kinds with their names in Chinese and English.
const KINDS: &[(&str, &str, &str)] = &[
    ("officer_created", "新建人员", "Officer created"),
    ("officer_changed", "修改人员信息", "Officer changed"),
    ("officer_posted", "任职", "Posted"),
    ("officer_posting_changed", "调整任职", "Posting changed"),
    ("officer_posting_ended", "离任", "Posting ended"),
    ("officer_disabled", "停用账号", "Account disabled"),
    ("officer_enabled", "启用账号", "Account enabled"),
    ("officer_invited", "发出邀请", "Invited"),
    ("officer_password_reset", "重置密码", "Password reset"),
    ("officer_absent", "请假", "Absent"),
    ("officer_back", "销假", "Back"),
    ("officer_deputised", "安排代理", "Deputy appointed"),
    ("officer_deputy_ended", "代理结束", "Deputy ended"),
    ("officer_erased", "删除个人信息", "Personal data erased"),
    ("duty_roster_set", "调整值班表", "Duty roster set"),
    ("settings_changed", "修改设置", "Settings changed"),
    (
        "service_account_created",
        "新建服务账号",
        "Service account created",
    ),
    (
        "service_account_changed",
        "修改服务账号",
        "Service account changed",
    ),
    (
        "service_account_ended",
        "终止服务账号",
        "Service account ended",
    ),
    ("service_key_added", "新增服务密钥", "Service key added"),
    ("service_key_ended", "终止服务密钥", "Service key ended"),
    ("signed_in", "登录", "Signed in"),
    ("sign_in_refused", "登录被拒", "Sign-in refused"),
    ("name_locked", "账号锁定", "Name locked"),
    ("address_locked", "地址锁定", "Address locked"),
    ("session_ended", "会话结束", "Session ended"),
    ("refresh_reused", "刷新凭证被重用", "Refresh token reused"),
    ("password_changed", "修改密码", "Password changed"),
    (
        "password_change_refused",
        "修改密码被拒",
        "Password change refused",
    ),
    ("service_key_issued", "发放服务密钥", "Service key issued"),
    ("password_reset", "重置密码", "Password reset"),
    ("disabled", "停用账号", "Account disabled"),
    ("enabled", "启用账号", "Account enabled"),
    ("invited", "发出邀请", "Invited"),
    ("invitation_accepted", "接受邀请", "Invitation accepted"),
    ("invitation_refused", "邀请被拒", "Invitation refused"),
    ("package_taken", "导出材料包", "Package taken"),
];

/// The name of a kind of event, or of an entry of the security log; a kind that has none is its own name.
#[must_use]
pub fn label(kind: &str, language: Language) -> &str {
    if let Some(known) = EventKind::from_code(kind) {
        return match language {
            Language::Chinese => known.label_zh(),
            Language::English => known.label_en(),
        };
    }
    KINDS
        .iter()
        .chain(&grids::KINDS)
        .chain(&teams::KINDS)
        .find(|(slug, _, _)| *slug == kind)
        .map_or(kind, |(_, zh, en)| match language {
            Language::Chinese => zh,
            Language::English => en,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_kind_stands_twice_and_each_is_named_in_both_languages() {
        let mut kinds: Vec<&str> = KINDS.iter().map(|(kind, _, _)| *kind).collect();
        kinds.sort_unstable();
        kinds.dedup();
        assert_eq!(kinds.len(), KINDS.len());
        assert!(
            KINDS
                .iter()
                .all(|(kind, _, _)| EventKind::from_code(kind).is_none())
        );
        assert_eq!(label("approved", Language::Chinese), "同意上报");
        assert_eq!(label("grid_moved", Language::English), "Moved");
        assert_eq!(label("officer_posted", Language::Chinese), "任职");
        assert_eq!(
            label("of_another_release", Language::Chinese),
            "of_another_release"
        );
    }
}
