//! What is wrong: the categories of a report, and finer names within them.
//!
//! Owns codes and labels. The limits of a category stand in `report`, the field of a team in `team`.

use crate::coded_value::coded_values;

coded_values! {
    /// What is wrong (DOMAIN.md 2). Not what was visited, and not who noticed.
    Category {
        /// 01.
        PollutingEnterprise = "polluting_enterprise", "排污企业", "Polluting enterprise";
        /// 02.
        LivingEnvironment = "living_environment", "人居环境", "Living environment";
        /// 03.
        PetitionCase = "petition_case", "信访案件", "Petition case";
        /// 04.
        PollutionDispute = "pollution_dispute", "污染纠纷", "Pollution dispute";
        /// 05.
        EnvironmentalHazard = "environmental_hazard", "环境安全隐患", "Environmental hazard";
        /// 06.
        IllegalConstruction = "illegal_construction", "违法建设项目", "Illegal construction";
        /// 07.
        DrinkingWaterSource = "drinking_water_source", "饮用水源地", "Drinking water source";
        /// 08.
        NatureReserve = "nature_reserve", "自然保护区", "Nature reserve";
        /// 09.
        StrawBurning = "straw_burning", "秸秆焚烧", "Straw burning";
        /// 10.
        LivestockPollution = "livestock_pollution", "畜禽养殖污染", "Livestock pollution";
        /// The filer could not say.
        Unclassified = "unclassified", "未分类", "Unclassified";
    }
}

coded_values! {
    /// A finer name for what is wrong.
    Subtype {
        /// 扬尘.
        Dust = "dust", "扬尘", "Dust";
        /// 未覆盖运输.
        UncoveredLoad = "uncovered_load", "未密闭运输", "Uncovered load";
        /// 洗车台停用.
        WheelWashOff = "wheel_wash_off", "洗车台未使用", "Wheel wash off";
        /// 喷淋停用.
        SprayOff = "spray_off", "喷淋未开启", "Spray off";
        /// 超载.
        Overload = "overload", "超载", "Overload";
        /// 夜间运输.
        NightHauling = "night_hauling", "夜间违规运输", "Night hauling";
        /// 污水设施故障.
        SewageFacilityFault = "sewage_facility_fault", "污水设施故障", "Sewage facility fault";
        /// 向河道排污.
        RiverDischarge = "river_discharge", "向河道排污", "River discharge";
        /// 侵占河道.
        RiverEncroachment = "river_encroachment", "侵占河道", "River encroachment";
        /// 倾倒垃圾.
        Dumping = "dumping", "乱倒垃圾", "Dumping";
        /// 噪声.
        Noise = "noise", "噪声", "Noise";
        /// 异味.
        Odour = "odour", "异味", "Odour";
    }
}
