//! Which crate, which room and which file may name which.
//!
//! Owns the tables below and reads the source against them; it needs no server and no database. A
//! failure names the first wrong line. What is wrong still stands in a short list, which may only
//! become shorter: an entry that is no longer needed fails as well.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod reader;
mod tables;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::LazyLock;

use reader::{Crate, Module, Names};
use tables::{CRATES, FILES_NOT_YET, Level, MAY_NAME_ACTIX, MAY_NAME_DIESEL, ROOMS_NOT_YET};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the crate lies in the repository")
}

/// The source of all crates, read once.
static SOURCE: LazyLock<Vec<Crate>> = LazyLock::new(|| {
    CRATES
        .iter()
        .map(|level| Crate::read(root(), level.folder))
        .collect()
});

fn crates() -> impl Iterator<Item = (&'static Level, &'static Crate)> {
    CRATES.iter().zip(SOURCE.iter())
}

/// What one module names of the others of its crate, each with the first line.
fn others(source: &Crate, path: &Names, module: &Module) -> BTreeMap<Names, usize> {
    let mut others = BTreeMap::new();
    for named in &module.named {
        if let Some(home) = source.home(&named.path)
            && home != *path
        {
            others.entry(home).or_insert(named.line);
        }
    }
    others
}

fn none_wrong(wrong: &[String]) {
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A list of what is wrong still has nothing that is right by now.
fn none_done<'a>(list: &[(&'a str, &'a str, &str)], met: &BTreeSet<(&'a str, &'a str)>) {
    for (file, named, _) in list {
        assert!(
            met.contains(&(*file, *named)),
            "{file} no longer goes wrong with `{named}`: strike it out in tests/structure/tables.rs"
        );
    }
}

#[test]
fn crates_name_only_lower_ones() {
    let mut wrong = Vec::new();
    for (number, level) in CRATES.iter().enumerate() {
        let manifest = root().join(level.folder).with_file_name("Cargo.toml");
        let text = std::fs::read_to_string(&manifest).expect("each crate has a manifest");
        let manifest = manifest
            .strip_prefix(root())
            .expect("it lies in the repository");
        let lower = &CRATES[..number];
        let mut table = "";
        for (line, text) in text.lines().enumerate() {
            if text.starts_with('[') {
                table = text;
            }
            let name = text.split(['.', ' ', '=']).next().unwrap_or_default();
            // What only tests or the build take makes no layer.
            if table != "[dependencies]" || name.is_empty() {
                continue;
            }
            let ours = name.starts_with("gridpatrol");
            let optional = text.contains("optional = true");
            let banned = level.never.contains(&name) && !optional;
            if banned || (ours && !lower.iter().any(|lower| lower.name == name)) {
                wrong.push(format!(
                    "{}:{} {} must not name {name}",
                    manifest.display(),
                    line + 1,
                    level.name
                ));
            }
        }
    }
    none_wrong(&wrong);
}

#[test]
fn rooms_name_only_lower_rooms() {
    let mut wrong = Vec::new();
    let mut met = BTreeSet::new();
    for (level, source) in crates() {
        let place = |room: &str| level.rooms.iter().position(|(name, _)| *name == room);
        for (path, module) in &source.modules {
            let [_, room, ..] = path.as_slice() else {
                continue;
            };
            assert!(
                place(room).is_some(),
                "{} has a room {room} that tests/structure/tables.rs does not know",
                level.name
            );
            for (home, line) in others(source, path, module) {
                let Some(other) = home.get(1).filter(|other| *other != room) else {
                    continue;
                };
                if place(other) < place(room) {
                    continue;
                }
                let file = module.file.as_str();
                let known = ROOMS_NOT_YET
                    .iter()
                    .find(|known| known.0 == file && known.1 == other);
                match known {
                    Some(known) => {
                        met.insert((known.0, known.1));
                    }
                    None => wrong.push(format!(
                        "{file}:{line} room {room} must not name room {other}"
                    )),
                }
            }
        }
    }
    none_wrong(&wrong);
    none_done(ROOMS_NOT_YET, &met);
}

#[test]
fn files_name_each_other_in_no_circle() {
    let mut wrong = Vec::new();
    let mut met = BTreeSet::new();
    for (_, source) in crates() {
        let all: BTreeMap<&Names, BTreeMap<Names, usize>> = source
            .modules
            .iter()
            .map(|(path, module)| (path, others(source, path, module)))
            .collect();
        let known = |from: &Names, to: &Names| {
            let to = to[1..].join("::");
            FILES_NOT_YET
                .iter()
                .find(|known| known.0 == source.modules[from].file && known.1 == to)
        };
        let reaches = |from: &Names, goal: &Names, without_known: bool| {
            let mut seen = BTreeSet::from([from]);
            let mut next = vec![from];
            while let Some(path) = next.pop() {
                if path == goal {
                    return true;
                }
                for other in all[path].keys() {
                    if !(without_known && known(path, other).is_some()) && seen.insert(other) {
                        next.push(other);
                    }
                }
            }
            false
        };
        for (from, others) in &all {
            for (to, line) in others {
                if let Some(known) = known(from, to) {
                    if reaches(to, from, false) {
                        met.insert((known.0, known.1));
                    }
                } else if reaches(to, from, true) {
                    wrong.push(format!(
                        "{}:{line} names `{}`, which names this file again",
                        source.modules[*from].file,
                        to[1..].join("::")
                    ));
                }
            }
        }
    }
    none_wrong(&wrong);
    none_done(FILES_NOT_YET, &met);
}

/// Files that name one of these crates without being among those that may.
fn strangers(library: &str, may: &[(&str, &str)]) {
    let mut wrong = Vec::new();
    let mut met = BTreeSet::new();
    for (_, source) in crates() {
        for module in source.modules.values() {
            let named = module
                .named
                .iter()
                .find(|named| named.path[0].starts_with(library));
            let Some(named) = named else { continue };
            let file = module.file.as_str();
            let rule = may.iter().find(|(rule, _)| {
                // `…queries.rs` is any file of that name, `api/store/src/…` any in that folder.
                rule.strip_prefix('…')
                    .is_some_and(|end| file.ends_with(end))
                    || rule
                        .strip_suffix('…')
                        .is_some_and(|start| file.starts_with(start))
                    || *rule == file
            });
            match rule {
                Some((rule, _)) => {
                    met.insert(*rule);
                }
                None => wrong.push(format!(
                    "{file}:{} this file must not name {library}",
                    named.line
                )),
            }
        }
    }
    none_wrong(&wrong);
    for (rule, _) in may {
        assert!(
            met.contains(rule),
            "{rule} no longer names {library}: strike it out in tests/structure/tables.rs"
        );
    }
}

#[test]
fn few_files_name_diesel() {
    strangers("diesel", MAY_NAME_DIESEL);
}

#[test]
fn few_files_name_actix() {
    strangers("actix", MAY_NAME_ACTIX);
}
