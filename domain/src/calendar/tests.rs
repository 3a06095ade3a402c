//! Working time: dates that people can look up, and what must hold of any.

use chrono::Weekday;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

fn at(text: &str) -> DateTime<Utc> {
    format!("{text}:00+08:00").parse().unwrap()
}

/// The days of 2026 around Mid-Autumn and National Day: seven days off, two weekend days worked.
fn autumn() -> Holidays {
    let day = |date: &str, is_off_day| Day {
        name: "国庆节".to_owned(),
        date: date.parse().unwrap(),
        is_off_day,
    };
    let mut days: Vec<Day> = (1..=7)
        .map(|of| day(&format!("2026-10-{of:02}"), true))
        .collect();
    days.extend((25..=27).map(|of| day(&format!("2026-09-{of}"), true)));
    days.extend([day("2026-09-20", false), day("2026-10-10", false)]);
    Holidays::new(vec![Year { year: 2026, days }])
}

fn with(holidays: &Holidays) -> Calendar<'_> {
    Calendar {
        holidays,
        ..Calendar::default()
    }
}

#[test]
fn the_week_of_national_day_does_not_count_and_its_make_up_days_do() {
    let holidays = autumn();
    let calendar = with(&holidays);
    let eve = at("2026-09-30T10:00");
    // Thursday 8, Friday 9, and Saturday 10, which is worked.
    for span in [Span::Days(3), Span::WorkingDays(3)] {
        assert_eq!(calendar.after(eve, span), at("2026-10-10T17:00"));
    }
    assert_eq!(
        calendar.after(eve, Span::WorkingDays(15)),
        at("2026-10-27T17:00")
    );
    assert_eq!(calendar.after(eve, Span::Days(15)), at("2026-10-22T17:00"));
    let part = |percent| calendar.part(Pace::Working, eve, at("2026-10-10T17:00"), percent);
    assert_eq!(part(25), at("2026-10-08T15:00"));
    assert_eq!(part(40), at("2026-10-09T10:36"));
    assert_eq!(part(70), at("2026-10-10T09:48"));
    assert_eq!(part(100), at("2026-10-10T17:00"));
    // Filed in the middle of it, on a Sunday.
    let sunday = at("2026-10-04T23:30");
    assert_eq!(
        calendar.after(sunday, Span::Days(1)),
        at("2026-10-08T17:00")
    );
    // The Sunday before Mid-Autumn is worked.
    assert_eq!(
        calendar.after(at("2026-09-19T12:00"), Span::WorkingDays(1)),
        at("2026-09-20T17:00")
    );
    assert_eq!(calendar.opening_after(eve), at("2026-10-08T09:00"));
    assert_eq!(
        calendar.opening_after(at("2026-10-08T08:59")),
        at("2026-10-08T09:00")
    );
    assert_eq!(
        calendar.opening_after(at("2026-10-08T09:00")),
        at("2026-10-09T09:00")
    );
}

#[test]
fn a_last_day_that_is_off_moves_to_the_next_working_day() {
    let holidays = autumn();
    // Thursday; Friday to Sunday are Mid-Autumn; so Monday 28 is the first day and 4 October the
    // seventh.
    assert_eq!(
        with(&holidays).after(at("2026-09-24T09:00"), Span::Days(7)),
        at("2026-10-08T17:00")
    );
    // Without a table Friday 25 is the first day and Thursday the seventh.
    let plain = Calendar::default();
    assert_eq!(
        plain.after(at("2026-09-24T09:00"), Span::Days(7)),
        at("2026-10-01T17:00")
    );
    assert_eq!(
        plain.after(at("2026-09-24T09:00"), Span::Days(2)),
        at("2026-09-28T17:00")
    );
}

#[test]
fn the_night_counts_for_what_is_critical_alone() {
    let calendar = Calendar::default();
    let evening = at("2026-11-18T21:30");
    let two = TimeDelta::hours(2);
    assert_eq!(
        calendar.add(Pace::Waking, evening, two),
        at("2026-11-19T08:30")
    );
    assert_eq!(
        calendar.add(Pace::Continuous, evening, two),
        at("2026-11-18T23:30")
    );
    // Received in the night: it begins at seven. What ends at ten in the evening ends today.
    assert_eq!(
        calendar.add(Pace::Waking, at("2026-11-19T02:00"), two),
        at("2026-11-19T09:00")
    );
    assert_eq!(
        calendar.add(Pace::Waking, at("2026-11-18T20:00"), two),
        at("2026-11-18T22:00")
    );
    let mut sleepless = calendar;
    sleepless.night.to = sleepless.night.from;
    assert_eq!(
        sleepless.add(Pace::Waking, evening, two),
        at("2026-11-18T23:30")
    );
    // A night within one day.
    let mut early = calendar;
    (early.night.from, early.night.to) = (TimeOfDay::at(0, 0), TimeOfDay::at(6, 30));
    assert_eq!(
        early.add(Pace::Waking, evening, TimeDelta::hours(3)),
        at("2026-11-19T07:00")
    );
}

#[test]
fn who_gets_it_in_the_evening_has_the_least_time_of_the_next_working_day() {
    let calendar = Calendar::default();
    let limit = (at("2026-11-18T10:00"), at("2026-11-23T17:00"));
    let least = |since: &str| {
        calendar.allowance(Pace::Working, limit, at(since), 10, TimeDelta::minutes(15))
    };
    // Thursday, Friday and Monday: 24 hours.
    assert_eq!(least("2026-11-19T10:00"), at("2026-11-19T12:24"));
    assert_eq!(least("2026-11-20T16:00"), at("2026-11-23T10:24"));
    assert_eq!(least("2026-11-21T12:00"), at("2026-11-23T11:24"));
}

#[test]
fn a_limit_that_was_cut_short_still_has_its_parts() {
    let calendar = Calendar::default();
    // Until Wednesday noon, though working time begins on Thursday.
    let (from, until) = (at("2026-11-18T10:00"), at("2026-11-18T12:00"));
    assert_eq!(
        calendar.part(Pace::Working, from, until, 25),
        at("2026-11-18T10:30")
    );
}

#[test]
fn a_table_says_what_is_wrong_with_it() {
    let day = |name: &str, date: &str| Day {
        name: name.to_owned(),
        date: date.parse().unwrap(),
        is_off_day: true,
    };
    let sound = Year {
        year: 2027,
        days: vec![day("元旦", "2026-12-31"), day("元旦", "2027-01-01")],
    };
    assert_eq!(sound.faults(), []);
    let wrong = Year {
        year: 1999,
        days: vec![
            day(" ", "1999-01-01"),
            day("元旦", "1999-01-01"),
            day("元旦", "1998-11-30"),
            day("元旦", "2000-01-01"),
        ],
    };
    let pointers: Vec<String> = wrong
        .faults()
        .into_iter()
        .map(|wrong| wrong.pointer)
        .collect();
    assert_eq!(
        pointers,
        [
            "/year",
            "/days/0/name",
            "/days/1/date",
            "/days/2/date",
            "/days/3/date"
        ]
    );
    let long = Year {
        year: 2026,
        days: (0..101)
            .map(|number| {
                let first: NaiveDate = "2026-01-01".parse().unwrap();
                Day {
                    date: first + TimeDelta::days(number),
                    ..day("放假", "2026-01-01")
                }
            })
            .collect(),
    };
    assert_eq!(long.faults()[0].pointer, "/days");
}

#[test]
fn the_later_table_speaks_for_the_december_before() {
    let table = |year, is_off_day| Year {
        year,
        days: vec![Day {
            name: "元旦".to_owned(),
            date: "2026-12-31".parse().unwrap(),
            is_off_day,
        }],
    };
    for tables in [
        vec![table(2026, false), table(2027, true)],
        vec![table(2027, true), table(2026, false)],
    ] {
        let holidays = Holidays::new(tables);
        assert!(!with(&holidays).is_working_day("2026-12-31".parse().unwrap()));
        assert!(holidays.knows(2027) && !holidays.knows(2028));
    }
}

const PACES: [Pace; 3] = [Pace::Continuous, Pace::Waking, Pace::Working];

/// Any instant of three years, to the microsecond.
fn any_instant() -> impl Strategy<Value = DateTime<Utc>> {
    (1_767_000_000_000_000_i64..1_861_000_000_000_000)
        .prop_map(|micros| DateTime::from_timestamp_micros(micros).unwrap())
}

/// Random tables, hours and nights.
fn tables() -> impl Strategy<Value = (Holidays, WorkingHours, QuietHours)> {
    let days = prop::collection::btree_map(0_i64..365, any::<bool>(), 0..60);
    let minute = || 0_u32..24 * 60;
    (days, 0_u32..12, 13_u32..24, minute(), 1_u32..16 * 60).prop_map(
        |(days, from, to, dusk, length)| {
            let first: NaiveDate = "2026-01-01".parse().unwrap();
            let days = days
                .into_iter()
                .map(|(number, is_off_day)| Day {
                    name: "假".to_owned(),
                    date: first + TimeDelta::days(number),
                    is_off_day,
                })
                .collect();
            let dawn = (dusk + length) % (24 * 60);
            let time = |minute: u32| TimeOfDay::at(minute / 60, minute % 60);
            (
                Holidays::new(vec![Year { year: 2026, days }]),
                WorkingHours {
                    from: TimeOfDay::at(from, 0),
                    to: TimeOfDay::at(to, 0),
                },
                QuietHours {
                    from: time(dusk),
                    to: time(dawn),
                },
            )
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn what_is_added_is_measured(
        (holidays, hours, night) in tables(),
        pace in select(&PACES[..]),
        from in any_instant(),
        micros in 0_i64..2_000 * 3_600_000_000,
        more in 1_i64..100 * 3_600_000_000,
    ) {
        let calendar = Calendar { holidays: &holidays, hours, night };
        let (amount, more) = (TimeDelta::microseconds(micros), TimeDelta::microseconds(more));
        let until = calendar.add(pace, from, amount);
        prop_assert!(until >= from + amount);
        prop_assert_eq!(calendar.measure(pace, from, until), amount);
        // Not a moment sooner.
        if amount > TimeDelta::zero() {
            let moment = TimeDelta::microseconds(1);
            prop_assert_eq!(calendar.measure(pace, from, until - moment), amount - moment);
        }
        // In two steps as in one.
        prop_assert_eq!(calendar.add(pace, until, more), calendar.add(pace, from, amount + more));
    }

    #[test]
    fn what_stood_still_has_as_much_left(
        (holidays, hours, night) in tables(),
        pace in select(&PACES[..]),
        since in any_instant(),
        ahead in 0_i64..60 * 24 * 3600,
        pause in 0_i64..200 * 24 * 3600,
    ) {
        let calendar = Calendar { holidays: &holidays, hours, night };
        let (due, until) = (since + TimeDelta::seconds(ahead), since + TimeDelta::seconds(pause));
        let left = calendar.measure(pace, since, due);
        let resumed = calendar.resumed(pace, due, (since, until));
        if left > TimeDelta::zero() {
            prop_assert_eq!(calendar.measure(pace, until, resumed), left);
        } else {
            prop_assert_eq!(resumed - due, until - since);
        }
        prop_assert!(resumed >= until.min(due));
    }

    #[test]
    fn what_is_measured_is_added(
        (holidays, hours, night) in tables(),
        pace in select(&PACES[..]),
        from in any_instant(),
        seconds in 0_i64..200 * 24 * 3600,
        between in 0_i64..200 * 24 * 3600,
    ) {
        let calendar = Calendar { holidays: &holidays, hours, night };
        let until = from + TimeDelta::seconds(seconds);
        let counted = calendar.measure(pace, from, until);
        prop_assert!(counted <= until - from);
        // Nothing counts from there to the end.
        let reached = calendar.add(pace, from, counted);
        prop_assert!(reached <= until);
        prop_assert_eq!(calendar.measure(pace, reached, until), TimeDelta::zero());
        // The whole is its parts.
        let middle = from + TimeDelta::seconds(between.min(seconds));
        prop_assert_eq!(
            calendar.measure(pace, from, middle) + calendar.measure(pace, middle, until),
            counted
        );
    }

    #[test]
    fn days_end_at_close_of_business_on_a_working_day(
        (holidays, hours, night) in tables(),
        from in any_instant(),
        days in 1_u32..60,
    ) {
        let calendar = Calendar { holidays: &holidays, hours, night };
        for span in [Span::Days(days), Span::WorkingDays(days)] {
            let until = calendar.after(from, span);
            prop_assert!(date(until) > date(from));
            prop_assert!(calendar.is_working_day(date(until)));
            prop_assert_eq!(until, instant(holidays::number(date(until)), hours.to.micros()));
            let begins = calendar.begins(Pace::Working, from);
            prop_assert!(begins > from);
            // Its parts lie in working hours, in order.
            let mut last = begins;
            for percent in [10, 25, 40, 70, 75, 99, 100] {
                let part = calendar.part(Pace::Working, from, until, percent);
                prop_assert!(last <= part && part <= until);
                prop_assert!(calendar.is_working_day(date(part)));
                last = part;
            }
            prop_assert_eq!(last, until);
        }
        // So many working days are so many days of work.
        let until = calendar.after(from, Span::WorkingDays(days));
        let worked = calendar.measure(Pace::Working, calendar.begins(Pace::Working, from), until);
        let day = TimeDelta::microseconds(hours.to.micros() - hours.from.micros());
        prop_assert_eq!(worked, day * i32::try_from(days).unwrap());
    }

    #[test]
    fn weekends_are_off_where_no_table_speaks(from in any_instant()) {
        let day = date(from);
        let weekend = matches!(chrono::Datelike::weekday(&day), Weekday::Sat | Weekday::Sun);
        prop_assert_eq!(Calendar::default().is_working_day(day), !weekend);
        prop_assert_eq!(day, (from + TimeDelta::hours(8)).date_naive());
    }
}
