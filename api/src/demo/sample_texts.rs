//! Texts of reports in the demonstration town, in the words of the people who report.
//!
//! Owns the texts and what each is about. They must not name real people.

use gridpatrol_domain::report::{Category, Subtype};

use super::pictures::Scene;

/// Something that is found.
#[derive(Debug, Clone, Copy)]
pub struct Matter {
    /// What is wrong.
    pub category: Category,
    /// More exactly.
    pub subtype: Option<Subtype>,
    /// In the finder's words.
    pub description: &'static str,
    /// Where, in words.
    pub place: &'static str,
    /// What can be done on the spot.
    pub on_site: &'static str,
    /// How it is put right.
    pub result: &'static str,
    /// What a photo of it shows.
    pub scene: Scene,
    /// Who is responsible, where that is an enterprise.
    pub party: Option<Party>,
    /// Whether it may be critical.
    pub grave: bool,
}

/// An enterprise, made up.
#[derive(Debug, Clone, Copy)]
pub struct Party {
    /// Its name.
    pub name: &'static str,
    /// Its credit code: of no real registration authority, with a true check character.
    pub credit_code: &'static str,
    /// Who is in charge there.
    pub person: &'static str,
}

const BRICKS: Party = Party {
    name: "示范镇样例砖厂",
    credit_code: "91990001MA0000001R",
    person: "吴有砖",
};
const ORE: Party = Party {
    name: "示范镇样例选矿厂",
    credit_code: "91990001MA0000002W",
    person: "吴有矿",
};
const PIGS: Party = Party {
    name: "示范镇样例养殖合作社",
    credit_code: "93990001MA00000050",
    person: "吴有圈",
};
const GRAVEL: Party = Party {
    name: "示范镇样例砂石料场",
    credit_code: "91990001MA00000030",
    person: "吴有砂",
};
const BUILDER: Party = Party {
    name: "样例建筑工程有限公司",
    credit_code: "91990001MA00000043",
    person: "吴有楼",
};

/// Writes the table line by line: category, subtype, scene, party, whether grave; then the texts.
macro_rules! matters {
    ($($category:ident, $subtype:expr, $scene:ident, $party:expr, $grave:literal:
       $description:literal, $place:literal, $on_site:literal, $result:literal;)+) => {
        /// All of them.
        pub const MATTERS: &[Matter] = &[$(Matter {
            category: Category::$category,
            subtype: $subtype,
            description: $description,
            place: $place,
            on_site: $on_site,
            result: $result,
            scene: Scene::$scene,
            party: $party,
            grave: $grave,
        },)+];
    };
}

matters! {
    PollutingEnterprise, Some(Subtype::Dust), Works, Some(BRICKS), false:
        "砖厂破碎车间扬尘大，收尘布袋像是破了，路边树叶上一层灰", "砖厂东门", "已要求停机检查布袋", "更换布袋四条，车间门帘补齐，复查无明显扬尘";
    PollutingEnterprise, Some(Subtype::SprayOff), Works, Some(GRAVEL), false:
        "料场喷淋没开，装车时灰尘飘到路上", "砂石料场装车区", "当场要求打开喷淋", "喷淋恢复，增设两台雾炮，安排专人记录开停时间";
    PollutingEnterprise, Some(Subtype::RiverDischarge), River, Some(ORE), true:
        "选矿厂围堰外有灰白色水流进沟里，水面有泡沫", "选矿厂排水沟下游", "用沙袋临时封堵，通知厂方停泵", "厂方停产清沟，围堰加高，沟内沉泥清运入库，水质复测正常";
    PollutingEnterprise, Some(Subtype::UncoveredLoad), Works, Some(GRAVEL), false:
        "拉砂车不盖篷布，沿路掉料", "料场至村口路段", "拦下两辆车，盖好后放行", "料场与车队签承诺书，出口设专人检查，路面已清扫";
    PollutingEnterprise, Some(Subtype::WheelWashOff), Works, Some(BRICKS), false:
        "洗车台没水，车轮带泥上路", "砖厂出口", "要求人工冲洗", "洗车台水泵修好，沉淀池清掏";

    LivingEnvironment, Some(Subtype::Dumping), Rubbish, None, false:
        "路边堆了一大堆建筑垃圾和生活垃圾，有人半夜倒的", "进村路转弯处", "拉警戒带，翻找来源线索", "清运两车，设警示牌，安装摄像头";
    LivingEnvironment, None, Rubbish, None, false:
        "垃圾房满了三天没人拉，苍蝇多", "村口垃圾收集点", "用篷布盖住", "协调清运车当天拉走，清运改为隔天一次";
    LivingEnvironment, Some(Subtype::SewageFacilityFault), River, None, false:
        "污水管堵了，井盖冒水流到水沟", "小学后面巷子", "围住井口，提醒行人", "疏通管道三十米，更换井盖";
    LivingEnvironment, Some(Subtype::Odour), Rubbish, None, false:
        "水沟里泡着菜叶和塑料袋，发臭", "农贸点旁边水沟", "和摊主一起捞了一遍", "清沟一百二十米，摊位配垃圾桶";
    LivingEnvironment, None, Rubbish, None, false:
        "河边有人乱扔农药瓶和地膜", "河滩地头", "捡了两袋，放到村回收点", "农药瓶全部送回收点，村村响广播提醒三天";

    PetitionCase, Some(Subtype::Noise), Works, Some(BRICKS), false:
        "群众来信反映砖厂夜间噪声扰民", "砖厂北侧住户", "登记来信，电话回复来信人", "夜间停止破碎作业，测得噪声达标，来信人表示满意";
    PetitionCase, Some(Subtype::Odour), Yard, Some(PIGS), false:
        "来信反映养猪场臭味大，晚上开不了窗", "养殖合作社下风向", "与来信人见面了解情况", "粪污池加盖，调整清圈时间，回访来信人认可";
    PetitionCase, Some(Subtype::Dust), Site, Some(GRAVEL), false:
        "重复信访：料场扬尘影响晾晒", "料场旁晒场", "约见双方", "料场建围挡并硬化出口，与住户签协议，回头看未反弹";

    PollutionDispute, None, River, Some(ORE), false:
        "几户人说田里进了浑水，要厂里赔秧苗，双方吵起来了", "渠尾稻田", "把人劝开，拍照留证", "取样检测，村委主持调解，厂方补种并签调解书";
    PollutionDispute, Some(Subtype::Odour), Yard, None, false:
        "邻居家鸡粪堆在墙根，两家为气味闹矛盾", "三户共用院坝", "现场劝解", "鸡粪运到地里，砌了堆粪池，两家和解";
    PollutionDispute, Some(Subtype::Noise), Site, Some(BUILDER), false:
        "工地中午打桩，旁边住户找上门", "新建活动室工地", "协调当天中午停工", "调整施工时段并张贴告示，住户同意";
    PollutionDispute, None, Pond, None, false:
        "鱼塘翻塘，塘主怀疑上游打药", "上坝鱼塘", "取水样两瓶", "农技站判断为缺氧，塘主接受，已加增氧机";

    EnvironmentalHazard, None, Works, Some(ORE), true:
        "尾矿库边坡有渗水，护坡石松动", "尾矿库东侧", "拉警戒线，禁止靠近", "厂方反压加固，设观测点，专家复核稳定";
    EnvironmentalHazard, None, Works, None, true:
        "路边油罐车侧翻，有油味，油流向边沟", "老公路桥头", "疏散围观群众，用沙土围堵", "油污吸附清理，污染土装袋移交有资质单位";
    EnvironmentalHazard, None, Rubbish, None, false:
        "废机油桶堆在路边，雨天有油花", "废弃修车点", "桶移到棚下", "废油桶由回收单位收走，地面油污清理";
    EnvironmentalHazard, None, Slope, None, false:
        "弃渣堆太陡，下雨怕冲到沟里", "弃渣点", "插警示牌", "削坡并铺草籽，坡脚砌挡墙";

    IllegalConstruction, None, Site, Some(BUILDER), false:
        "河堤边挖了地基，没看到手续", "河堤二号桩附近", "要求停工，等镇里来看", "查实无手续，已自行回填复绿";
    IllegalConstruction, None, Site, None, false:
        "有人在耕地上搭大棚堆砂石", "机耕道旁", "告知不能堆放", "砂石运走，耕地翻耕";
    IllegalConstruction, Some(Subtype::RiverEncroachment), River, None, false:
        "往河里倒土填了一块地，想做停车场", "小河湾", "劝停，记下车号", "填土清除，恢复河道断面";

    DrinkingWaterSource, None, Pond, None, true:
        "水源地围栏被剪开，有人在里面钓鱼洗车", "饮水池北侧围栏", "劝离钓鱼人，临时绑好围栏", "围栏修复并加装摄像头，水质检测合格";
    DrinkingWaterSource, None, Pond, None, true:
        "饮水池水面有死鱼和油花", "饮水池进水口", "关闭进水阀，通知各组暂停取水", "捞除死鱼，换水冲洗消毒，检测合格后恢复供水";
    DrinkingWaterSource, Some(Subtype::Dumping), Pond, None, false:
        "保护区牌子旁边有生活垃圾", "一级保护区标志牌", "捡走能捡的", "垃圾清完，补一块劝导牌";
    DrinkingWaterSource, None, Pond, None, false:
        "有人在水源地上游放羊", "引水渠上游坡地", "请放羊户赶走", "与养羊户签承诺书，划定放牧区";

    NatureReserve, None, Slope, None, false:
        "林子里砍了一片树，树桩是新的", "后山林班交界", "拍照，守住路口", "护林站现场测量，责令补种一百二十株，已种完";
    NatureReserve, None, Slope, None, false:
        "山上有人搭棚采石料", "自然保护区界桩外五十米", "劝离，收走工具由村里保管", "棚子拆除，平整复绿";
    NatureReserve, None, Slope, None, false:
        "发现捕鸟网两张", "老鹰岩小路", "拆网，放走两只小鸟", "移交林业站，在路口设宣传牌";

    StrawBurning, None, Field, None, true:
        "河边田里有人烧秸秆，烟往村里飘", "河边大田", "带人打水扑灭", "明火扑灭，秸秆清运到堆放点，当事人接受教育";
    StrawBurning, None, Field, None, true:
        "油菜秆点了三堆，离林子近", "林边坡地", "先打隔离带", "三堆全部扑灭，守到无复燃，秸秆粉碎还田";
    StrawBurning, None, Field, None, false:
        "田埂上烧草，面积不大", "二号机耕道", "当场扑灭并教育", "已扑灭，清理干净";
    StrawBurning, None, Field, None, false:
        "晚上看到田里有火光，走近是烧玉米秆", "坝子中间", "叫醒隔壁一起灭火", "夜间扑灭，次日清运，与农户签承诺书";
    StrawBurning, None, Field, None, false:
        "果园修剪枝条点火，烟大", "果园北角", "劝灭，改为堆沤", "枝条粉碎做堆肥，火点熄灭";

    LivestockPollution, None, Yard, Some(PIGS), false:
        "养殖场粪水池满了，往沟里溢", "养殖合作社粪污池", "用土堵缺口", "抽走粪水还田，扩建粪污池一座";
    LivestockPollution, Some(Subtype::RiverDischarge), River, None, false:
        "有人把猪圈水直接排到小河", "老桥下", "要求关闸", "接入沼气池，排口封堵";
    LivestockPollution, None, Yard, None, false:
        "死鸡扔在河滩上，有味道", "河滩柳树下", "撒石灰，先埋好", "按规定深埋消毒，查到养殖户并教育";
    LivestockPollution, Some(Subtype::Odour), Yard, None, false:
        "散养牛粪拉满路，下雨流进水沟", "村内主路", "和养牛户一起清扫", "路面冲洗，养牛户改圈养";
}

#[cfg(test)]
mod tests {
    use super::MATTERS;
    use gridpatrol_domain::coded_value::CodedValue;
    use gridpatrol_domain::credit_code;
    use gridpatrol_domain::report::Category;

    #[test]
    fn every_category_has_matters_and_every_enterprise_a_sound_code() {
        for category in Category::ALL {
            let some = MATTERS.iter().any(|matter| matter.category == *category);
            assert_eq!(some, *category != Category::Unclassified, "{category:?}");
        }
        for party in MATTERS.iter().filter_map(|matter| matter.party) {
            assert!(credit_code::is_valid(party.credit_code), "{}", party.name);
        }
    }
}
