//! Usual reasons for sending a report back and for voiding one: what an app offers to choose from.
//!
//! Owns codes and labels. The rules take any text as a reason.

use crate::coded_value::coded_values;

coded_values! {
    /// Usual reasons for sending a report back.
    ReturnReason {
        /// The pictures do not show it.
        UnclearPhotos = "unclear_photos", "照片不清楚，请补拍", "The photos do not show it; take others";
        /// Place or matter are not described.
        MissingFacts = "missing_facts", "地点或情况不清楚，请补充", "Where or what it is remains unclear";
        /// The sender can do it.
        WithinMeans = "within_means", "本级可以处置", "Your tier can handle it";
        /// Another category or grid.
        WrongPlace = "wrong_place", "类别或网格有误", "The category or the grid is wrong";
        /// What was done does not suffice.
        Insufficient = "insufficient", "整改不到位", "What was done does not suffice";
    }
}

coded_values! {
    /// Usual reasons for voiding a report.
    VoidReason {
        /// It was reported before.
        Duplicate = "duplicate", "重复上报", "Reported before";
        /// It was filed by mistake.
        Mistake = "mistake", "误报", "Filed by mistake";
        /// It was a trial.
        Trial = "trial", "测试数据", "A trial";
        /// It is no matter of the environment.
        OutOfScope = "out_of_scope", "不属于网格职责范围", "Not a matter of the grids";
    }
}
