//! All scenarios. Together they cover every disposition, every status that an action leads to, every
//! meaning of a return, and every outcome.
//!
//! A step's number is its time: percent of the limit since receipt; over 100 is late.

use gridpatrol_domain::report::Disposition::{Escalate, Keep, Resolved};
use gridpatrol_domain::report::Severity::{Critical, General, Minor, Serious};
use gridpatrol_domain::report::Source;

use super::Part::{Group, Secretary, TownLeader, TownOfficer, VillageOfficer};
use super::{About, Course, Step as Do, course};

/// All scenarios.
pub const COURSES: &[Course] = &[
    // The group alone.
    course(22, (Group, Resolved, Minor), &[]),
    course(8, (Group, Resolved, General), &[]),
    course(
        12,
        (Group, Keep, General),
        &[
            (12, Group, Do::Say("已到现场，正在处理")),
            (22, Group, Do::CloseWithResult),
        ],
    ),
    course(4, (Group, Keep, Minor), &[(45, Group, Do::CloseWithResult)]),
    course(
        4,
        (Group, Keep, General),
        &[(128, Group, Do::CloseWithResult)],
    ),
    // Group and village.
    course(
        16,
        (Group, Escalate, General),
        &[
            (16, Secretary, Do::Approve("同意，村里处理")),
            (26, Secretary, Do::AssignOfficer),
            (52, VillageOfficer, Do::PutRight),
            (62, Secretary, Do::Close),
        ],
    ),
    course(
        9,
        (Group, Escalate, Serious),
        &[
            (14, Secretary, Do::Approve("情况属实")),
            (22, Secretary, Do::AssignOfficer),
            (52, VillageOfficer, Do::PutRight),
            (66, Secretary, Do::Close),
        ],
    ),
    course(
        6,
        (Group, Escalate, General),
        &[
            (18, Secretary, Do::Approve("请本组先清理")),
            (24, Secretary, Do::AssignGroup),
            (50, Group, Do::PutRight),
            (60, VillageOfficer, Do::Close),
        ],
    ),
    course(
        5,
        (Group, Escalate, General),
        &[
            (20, Secretary, Do::Return("组里能处理的先处理，拍好照片")),
            (38, Group, Do::PutRight),
            (44, Group, Do::Close),
        ],
    ),
    course(
        2,
        (Group, Escalate, General),
        &[
            (10, Secretary, Do::Return("照片看不清，请补拍")),
            (16, Group, Do::Escalate("已补拍")),
            (22, Secretary, Do::Return("位置写具体一点")),
            (28, Group, Do::Escalate("在水渠北侧第二根电杆旁")),
            (36, Secretary, Do::Approve("同意")),
            (58, VillageOfficer, Do::PutRight),
            (68, Secretary, Do::Close),
        ],
    ),
    course(
        5,
        (Group, Escalate, General),
        &[
            (14, Secretary, Do::Approve("同意")),
            (20, Secretary, Do::AssignOfficer),
            (36, VillageOfficer, Do::PutRight),
            (44, Secretary, Do::Return("沟边还有残留，请再清一次")),
            (58, VillageOfficer, Do::PutRight),
            (68, Secretary, Do::Close),
        ],
    ),
    course(
        4,
        (Group, Escalate, General),
        &[
            (30, Secretary, Do::Approve("同意")),
            (70, Secretary, Do::AssignOfficer),
            (118, VillageOfficer, Do::PutRight),
            (130, Secretary, Do::Close),
        ],
    ),
    course(
        4,
        (Group, Escalate, General),
        &[
            (18, Secretary, Do::Approve("村里去看一下")),
            (
                42,
                Secretary,
                Do::Unfounded("现场查看未发现所述情况，为正常农事活动"),
            ),
        ],
    ),
    course(
        3,
        (Group, Escalate, General),
        &[
            (6, Secretary, Do::Grade(Serious)),
            (10, Secretary, Do::Approve("情况比报的严重")),
            (14, Secretary, Do::AssignOfficer),
            (26, VillageOfficer, Do::PutRight),
            (36, Secretary, Do::Close),
        ],
    ),
    course(
        4,
        (Group, Escalate, General),
        &[
            (10, Secretary, Do::Classify),
            (16, Secretary, Do::Approve("已分类")),
            (24, Secretary, Do::AssignOfficer),
            (42, VillageOfficer, Do::PutRight),
            (52, Secretary, Do::Close),
        ],
    )
    .about(About::Unclear),
    course(
        6,
        (Group, Escalate, General),
        &[(12, Secretary, Do::VoidDuplicate)],
    )
    .about(About::Repetition),
    course(
        2,
        (Group, Escalate, General),
        &[(4, Group, Do::Void("看错了，是邻居在烧水"))],
    ),
    // On to the town.
    course(
        12,
        (Group, Escalate, General),
        &[
            (
                14,
                Secretary,
                Do::ApproveFurther("村里处理不了，请镇里协调"),
            ),
            (24, TownOfficer, Do::AssignTeam),
            (56, VillageOfficer, Do::PutRight),
            (70, TownOfficer, Do::Close),
        ],
    ),
    course(
        8,
        (Group, Escalate, Serious),
        &[
            (12, Secretary, Do::ApproveFurther("涉及企业，请镇里牵头")),
            (20, TownOfficer, Do::FillLedger),
            (26, TownOfficer, Do::AssignVillage),
            (58, VillageOfficer, Do::PutRight),
            (74, TownLeader, Do::Close),
        ],
    )
    .about(About::Enterprise),
    course(
        4,
        (Group, Escalate, Serious),
        &[
            (34, Secretary, Do::ApproveFurther("请镇里协调")),
            (62, TownOfficer, Do::AssignVillage),
            (122, VillageOfficer, Do::PutRight),
            (138, TownLeader, Do::Close),
        ],
    ),
    course(
        3,
        (Group, Escalate, General),
        &[
            (14, Secretary, Do::ApproveFurther("请镇里处理")),
            (24, TownOfficer, Do::AssignVillage),
            (34, VillageOfficer, Do::Return("需要挖机，村里没有")),
            (44, TownOfficer, Do::Say("已联系镇应急队")),
            (68, TownOfficer, Do::PutRight),
            (78, TownLeader, Do::Close),
        ],
    ),
    course(
        3,
        (Group, Escalate, General),
        &[
            (14, Secretary, Do::ApproveFurther("超出村里权限")),
            (50, TownLeader, Do::Transferred("已移送县生态环境局")),
        ],
    ),
    course(
        2,
        (Group, Escalate, General),
        &[
            (14, Secretary, Do::ApproveFurther("请镇里看")),
            (26, TownOfficer, Do::Void("不属于环境问题，已转办")),
        ],
    ),
    course(
        1,
        (Group, Escalate, General),
        &[
            (14, Secretary, Do::ApproveFurther("请镇里看")),
            (20, TownOfficer, Do::Void("误认为重复")),
            (24, TownLeader, Do::Restore("两处不同，恢复办理")),
            (34, TownOfficer, Do::AssignVillage),
            (62, VillageOfficer, Do::PutRight),
            (74, TownOfficer, Do::Close),
        ],
    ),
    // Straight to the town.
    course(
        6,
        (Group, Escalate, Critical),
        &[
            (14, TownOfficer, Do::AssignVillage),
            (50, VillageOfficer, Do::PutRight),
            (80, TownLeader, Do::Close),
        ],
    ),
    course(
        2,
        (VillageOfficer, Escalate, Critical),
        &[
            (10, TownLeader, Do::Say("我马上到")),
            (52, VillageOfficer, Do::PutRight),
            (84, TownLeader, Do::Close),
        ],
    ),
    course(
        1,
        (Group, Escalate, Critical),
        &[
            (40, TownOfficer, Do::AssignVillage),
            (130, VillageOfficer, Do::PutRight),
            (160, TownLeader, Do::Close),
        ],
    ),
    // Found by the village.
    course(6, (VillageOfficer, Resolved, Minor), &[]),
    course(
        8,
        (VillageOfficer, Keep, General),
        &[
            (30, VillageOfficer, Do::PutRight),
            (44, Secretary, Do::Close),
        ],
    ),
    course(
        4,
        (VillageOfficer, Keep, Serious),
        &[
            (36, VillageOfficer, Do::PutRight),
            (50, Secretary, Do::Close),
        ],
    ),
    course(
        4,
        (VillageOfficer, Escalate, General),
        &[
            (18, Secretary, Do::Approve("同意报镇")),
            (28, TownOfficer, Do::AssignVillage),
            (58, VillageOfficer, Do::PutRight),
            (70, TownOfficer, Do::Close),
        ],
    ),
    // Found by the town.
    course(
        4,
        (TownOfficer, Escalate, General),
        &[
            (6, TownOfficer, Do::FillLedger),
            (12, TownOfficer, Do::AssignVillage),
            (52, VillageOfficer, Do::PutRight),
            (66, TownLeader, Do::Close),
        ],
    )
    .about(About::Enterprise)
    .noticed_by(Source::RandomInspection),
    course(
        3,
        (TownOfficer, Escalate, Serious),
        &[
            (6, TownOfficer, Do::FillLedger),
            (12, TownOfficer, Do::AssignVillage),
            (52, VillageOfficer, Do::PutRight),
            (60, TownLeader, Do::Return("佐证材料不全，补充后再报")),
            (68, VillageOfficer, Do::PutRight),
            (78, TownLeader, Do::Close),
        ],
    )
    .about(About::Enterprise)
    .noticed_by(Source::SuperiorList),
    course(
        2,
        (TownOfficer, Escalate, General),
        &[
            (12, TownOfficer, Do::AssignVillage),
            (48, VillageOfficer, Do::PutRight),
            (60, TownLeader, Do::Close),
        ],
    )
    .noticed_by(Source::Hotline),
    course(
        2,
        (TownOfficer, Escalate, General),
        &[
            (12, TownOfficer, Do::AssignVillage),
            (112, VillageOfficer, Do::PutRight),
            (124, TownLeader, Do::Close),
        ],
    )
    .noticed_by(Source::JointEnforcement),
    course(
        2,
        (TownOfficer, Escalate, Serious),
        &[
            (8, TownOfficer, Do::AssignVillage),
            (40, VillageOfficer, Do::PutRight),
            (60, TownOfficer, Do::Close),
        ],
    )
    .about(About::Grave)
    .noticed_by(Source::Monitoring),
    course(
        4,
        (TownOfficer, Escalate, General),
        &[
            (5, TownOfficer, Do::FillLedger),
            (10, TownOfficer, Do::AssignVillage),
            (46, VillageOfficer, Do::PutRight),
            (60, TownLeader, Do::Close),
        ],
    )
    .about(About::Petition)
    .noticed_by(Source::Petition),
    // Under way now, some of it late.
    course(7, (Group, Escalate, General), &[]).under_way(4, 60),
    course(3, (Group, Escalate, General), &[]).under_way(104, 150),
    course(5, (Group, Keep, General), &[]).under_way(5, 120),
    course(
        4,
        (Group, Escalate, General),
        &[(16, Secretary, Do::Approve("同意"))],
    )
    .under_way(20, 90),
    course(
        4,
        (Group, Escalate, General),
        &[
            (16, Secretary, Do::Approve("同意")),
            (24, Secretary, Do::AssignOfficer),
        ],
    )
    .under_way(30, 120),
    course(
        2,
        (Group, Escalate, General),
        &[
            (30, Secretary, Do::Approve("同意")),
            (44, Secretary, Do::AssignOfficer),
        ],
    )
    .under_way(104, 140),
    course(
        4,
        (Group, Escalate, General),
        &[(14, Secretary, Do::ApproveFurther("请镇里协调"))],
    )
    .under_way(18, 80),
    course(
        5,
        (Group, Escalate, Serious),
        &[
            (12, Secretary, Do::ApproveFurther("请镇里牵头")),
            (22, TownOfficer, Do::AssignVillage),
        ],
    )
    .under_way(30, 130)
    .about(About::Enterprise),
    course(
        4,
        (Group, Escalate, General),
        &[
            (14, Secretary, Do::Approve("同意")),
            (22, Secretary, Do::AssignOfficer),
            (46, VillageOfficer, Do::PutRight),
        ],
    )
    .under_way(52, 96),
    course(
        4,
        (Group, Escalate, Serious),
        &[
            (12, Secretary, Do::ApproveFurther("请镇里牵头")),
            (22, TownOfficer, Do::AssignVillage),
            (50, VillageOfficer, Do::PutRight),
        ],
    )
    .under_way(56, 110)
    .about(About::Enterprise),
    course(
        2,
        (Group, Escalate, General),
        &[(14, Secretary, Do::Return("请写清楚是哪一家"))],
    )
    .under_way(20, 70),
    course(1, (Group, Escalate, Critical), &[]).under_way(20, 60),
    course(
        1,
        (TownOfficer, Escalate, General),
        &[(10, TownOfficer, Do::AssignTeam)],
    )
    .under_way(30, 60)
    .about(About::Petition)
    .noticed_by(Source::Petition),
];
