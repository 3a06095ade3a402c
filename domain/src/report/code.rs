//! The coded values of a report: what it may be, and what was said of it.
//!
//! Owns codes and labels. Limits by category stand in `deadlines`, what may happen in `lifecycle`.

use crate::coded_value::coded_values;

coded_values! {
    /// Where a report stands (DESIGN.md 3).
    Status as "ReportStatus" {
        /// The holder, or the handler, works on it.
        Open = "open", "处理中", "Open";
        /// It is on its way up and waits for the village secretary.
        Escalating = "escalating", "上报待审", "Escalating";
        /// Put right, and to be verified.
        Resolved = "resolved", "待核查", "Resolved";
        /// 挂账: rectification takes long and has milestones.
        Suspended = "suspended", "挂账", "Suspended";
        /// 结案.
        Closed = "closed", "已结案", "Closed";
        /// 作废.
        Void = "void", "已作废", "Void";
    }
}

impl Status {
    /// Whether somebody has to act on it.
    #[must_use]
    pub const fn moves(self) -> bool {
        matches!(self, Self::Open | Self::Escalating | Self::Resolved)
    }
}

coded_values! {
    /// How bad it is, least first.
    Severity {
        /// A trifle.
        Minor = "minor", "轻微", "Minor";
        /// The ordinary case.
        General = "general", "一般", "General";
        /// Needs another pair of eyes to close.
        Serious = "serious", "较重", "Serious";
        /// Goes straight to the town.
        Critical = "critical", "紧急", "Critical";
    }
}

coded_values! {
    /// Who noticed.
    Source as "ReportSource" {
        /// An officer on patrol.
        Patrol = "patrol", "日常巡查", "Patrol";
        /// A petition (信访).
        Petition = "petition", "信访", "Petition";
        /// A complaint (举报).
        Complaint = "complaint", "群众举报", "Complaint";
        /// The 12369 hotline.
        Hotline = "hotline", "12369热线", "Hotline";
        /// An item of a superior's list (督查反馈).
        SuperiorList = "superior_list", "上级督查清单", "Superior's list";
        /// A random inspection (双随机).
        RandomInspection = "random_inspection", "双随机抽查", "Random inspection";
        /// A joint enforcement (联合执法).
        JointEnforcement = "joint_enforcement", "联合执法", "Joint enforcement";
        /// A camera or a sensor.
        Monitoring = "monitoring", "电子监控", "Monitoring";
        /// A volunteer supervisor (义务监督员).
        Volunteer = "volunteer", "义务监督员", "Volunteer";
        /// A look-back at a closed case (回头看).
        LookBack = "look_back", "回头看", "Look-back";
        /// Anything else.
        Other = "other", "其他", "Other";
    }
}

coded_values! {
    /// What the filer asks for.
    Disposition {
        /// To be sent up.
        Escalate = "escalate", "上报", "Escalate";
        /// The filing grid handles it.
        Keep = "keep", "自行处置", "Keep";
        /// Stopped and put right on the spot.
        Resolved = "resolved", "现场已解决", "Resolved on the spot";
    }
}

coded_values! {
    /// How it ended.
    Outcome as "ReportOutcome" {
        /// Put right.
        Handled = "handled", "已处置", "Handled";
        /// There was nothing to put right.
        Unfounded = "unfounded", "不属实", "Unfounded";
        /// Handed to another authority.
        Transferred = "transferred", "已移送", "Transferred";
    }
}

coded_values! {
    /// What the desk is to do.
    Duty {
        /// Work on it.
        Handle = "handle", "处置", "Handle";
        /// Decide on the escalation.
        Decide = "decide", "审核上报", "Decide";
        /// Verify what was done.
        Verify = "verify", "核查", "Verify";
        /// Decide on the request for more time.
        Grant = "grant", "审批延期", "Decide on an extension";
    }
}

coded_values! {
    /// How much of the whole limit is used up (DOMAIN.md 2).
    WarningLevel {
        /// Less than what makes it yellow.
        Green = "green", "绿", "Green";
        /// Due soon.
        Yellow = "yellow", "黄", "Yellow";
        /// Overdue.
        Red = "red", "红", "Red";
    }
}

coded_values! {
    /// What a photo shows.
    PhotoRole {
        /// As it was found.
        Before = "before", "整改前", "Before";
        /// As it was left.
        After = "after", "整改后", "After";
        /// Anything else.
        Other = "other", "其他", "Other";
    }
}

coded_values! {
    /// Why a report follows its grid.
    RelocationReason {
        /// Its grid moved to another village.
        Moved = "moved", "网格调整隶属", "The grid moved";
        /// A grid ended, and another took over.
        Archived = "archived", "网格撤并", "The grid ended";
        /// It was taken back or reopened after its grid had moved or ended.
        Restored = "restored", "恢复或重办时网格已调整", "Taken back or reopened after the grid had changed";
    }
}
