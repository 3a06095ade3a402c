//! README.md and the guides are correct: links work, files and operations exist, and both languages say
//! the same.
//!
//! The walk-through of README.md is run by `tests/walkthrough.sh`; the lists of settings are checked beside
//! the settings themselves (`api/src/cli.rs`).

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use gridpatrol_domain::coded_value::CodedValue;
use gridpatrol_domain::officer::Role;
use gridpatrol_domain::report::{ActionKind, Category, Status};
use gridpatrol_domain::settings::Settings;
use serde_json::{Value, json};

use crate::openapi::operations;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
const GUIDES: &str = "api/docs";
/// The guides that app developers and operators need, in both languages.
const IN_BOTH: &[&str] = &["operate", "settings", "api", "concepts"];
const MOST_LINES: usize = 150;

/// A text for readers.
struct Page {
    /// Its path from the root of the repository.
    path: String,
    text: String,
}

impl Page {
    fn read(path: &str) -> Self {
        let text = std::fs::read_to_string(Path::new(ROOT).join(path));
        Self {
            path: path.to_owned(),
            text: text.unwrap_or_else(|error| panic!("{path}: {error}")),
        }
    }

    fn guide(topic: &str, language: &str) -> Self {
        Self::read(&format!("{GUIDES}/{topic}.{language}.md"))
    }

    /// Its lines outside blocks of code.
    fn prose(&self) -> impl Iterator<Item = &str> {
        let mut code = false;
        self.text.lines().filter(move |line| {
            let fence = line.starts_with("```");
            code ^= fence;
            !code && !fence
        })
    }

    /// Where its links lead.
    fn links(&self) -> Vec<&str> {
        let text = &self.text;
        let named = text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next());
        let bare = text
            .split("<http")
            .skip(1)
            .filter_map(|rest| rest.split('>').next());
        // A bare link keeps what makes it one.
        let begins = |rest: &str| rest.as_ptr() as usize - text.as_ptr() as usize - "http".len();
        named
            .chain(bare.map(|rest| &text[begins(rest)..begins(rest) + "http".len() + rest.len()]))
            .collect()
    }

    /// The operations it names, such as `GET /v1/inbox`.
    fn operations(&self) -> BTreeSet<String> {
        let mut named = BTreeSet::new();
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            for rest in self.text.split(&format!("{method} /")).skip(1) {
                let ends = |c: char| !(c.is_ascii_alphanumeric() || "/_-{}<>.".contains(c));
                let path = rest.split(ends).next().unwrap_or_default();
                if !path.contains('<') {
                    named.insert(format!("{method} /{path}"));
                }
            }
        }
        named
    }

    /// What stands in it as the name of a file.
    fn files(&self) -> Vec<&str> {
        let part = |c: char| c.is_ascii_alphanumeric() || "/_-.~".contains(c);
        self.text
            .split(|c: char| !part(c))
            .map(|word| word.trim_end_matches('.'))
            .filter(|word| {
                [".md", ".rs", ".toml", ".yaml", ".sh", ".ts"]
                    .iter()
                    .any(|end| word.len() > end.len() && word.ends_with(end))
            })
            .collect()
    }

    /// The anchors of its headings, as GitHub makes them.
    fn anchors(&self) -> BTreeSet<String> {
        self.prose()
            .filter(|line| line.starts_with('#'))
            .map(|line| {
                let title = line.trim_start_matches('#').trim().to_lowercase();
                let kept = title.chars().filter_map(|c| match c {
                    ' ' => Some('-'),
                    c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
                    _ => None,
                });
                kept.collect()
            })
            .collect()
    }
}

/// README.md, and every guide.
fn pages() -> Vec<Page> {
    let folder = std::fs::read_dir(Path::new(ROOT).join(GUIDES)).expect("the guides");
    let mut names: Vec<_> = folder
        .map(|entry| {
            entry
                .expect("a guide")
                .file_name()
                .into_string()
                .expect("UTF-8")
        })
        .filter(|name: &String| name.ends_with(".md"))
        .collect();
    names.sort();
    let guides = names
        .iter()
        .map(|name| Page::read(&format!("{GUIDES}/{name}")));
    std::iter::once(Page::read("README.md"))
        .chain(guides)
        .collect()
}

/// Every file of the repository, from its root.
fn files_of_the_repository() -> Vec<String> {
    let root = PathBuf::from(ROOT);
    let (mut folders, mut files) = (vec![root.clone()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            let name = entry.file_name();
            if !path.is_dir() {
                let inside = path.strip_prefix(&root).expect("inside");
                files.push(inside.to_string_lossy().into_owned());
            } else if !["target", ".git", "data", "node_modules"]
                .map(Some)
                .contains(&name.to_str())
            {
                folders.push(path);
            }
        }
    }
    files
}

#[test]
fn the_readme_is_short_and_its_chinese_start_has_both_commands() {
    let readme = Page::read("README.md");
    let lines = readme.text.lines().count();
    assert!(
        lines <= MOST_LINES,
        "README.md has {lines} lines, at most {MOST_LINES}"
    );
    let (chinese, english) = readme
        .text
        .split_once("## In English")
        .expect("both languages");
    for command in [
        "cargo run --release --bin gridpatrol -- serve --demo",
        "tests/run",
    ] {
        for part in [chinese, english] {
            let stands = |line: &str| {
                line.split(" #")
                    .next()
                    .is_some_and(|it| it.trim() == command)
            };
            assert!(part.lines().any(stands), "{command} in both languages");
        }
    }
    for topic in IN_BOTH {
        assert!(
            chinese.contains(&format!("{GUIDES}/{topic}.zh-CN.md")),
            "{topic}"
        );
    }
}

#[test]
fn every_link_leads_somewhere() {
    let readable: BTreeSet<String> = operations()
        .into_iter()
        .filter(|(method, ..)| method == "get")
        .map(|(_, path, _)| path)
        .collect();
    for page in pages() {
        let chinese = page.path.ends_with(".zh-CN.md");
        for link in page.links() {
            let link = link.strip_prefix("http://127.0.0.1:8080").unwrap_or(link);
            let (target, anchor) = link.split_once('#').unwrap_or((link, ""));
            let found = if target.starts_with("https://") || (target.is_empty() && link.is_empty())
            {
                true
            } else if let Some(topic) = target.strip_prefix("/docs/guide/") {
                let language = if chinese && IN_BOTH.contains(&topic) {
                    "zh-CN"
                } else {
                    "en"
                };
                let guide = Path::new(ROOT).join(format!("{GUIDES}/{topic}.{language}.md"));
                guide.exists()
                    && (anchor.is_empty()
                        || Page::guide(topic, language).anchors().contains(anchor))
            } else if target.starts_with('/') {
                readable.contains(target)
            } else if target.is_empty() {
                page.anchors().contains(anchor)
            } else {
                let folder = Path::new(&page.path).parent().expect("a folder");
                Path::new(ROOT).join(folder).join(target).exists() && anchor.is_empty()
            };
            assert!(found, "{}: {link} leads nowhere", page.path);
        }
    }
}

#[test]
fn every_file_and_operation_that_is_named_exists() {
    let files = files_of_the_repository();
    let known: BTreeSet<String> = operations()
        .into_iter()
        .map(|(method, path, _)| format!("{} {path}", method.to_uppercase()))
        .collect();
    for page in pages() {
        for file in page.files() {
            // What lies on the reader's machine is the reader's.
            let there = file.starts_with('/')
                || files.iter().any(|path| {
                    path.strip_suffix(file)
                        .is_some_and(|before| before.is_empty() || before.ends_with('/'))
                });
            assert!(there, "{}: there is no {file}", page.path);
        }
        for operation in page.operations() {
            assert!(
                known.contains(&operation),
                "{}: there is no {operation}",
                page.path
            );
        }
    }
}

#[test]
fn each_guide_has_one_title_and_both_languages_tell_the_same() {
    let count =
        |page: &Page, start: &str| page.prose().filter(|line| line.starts_with(start)).count();
    for page in pages() {
        assert!(
            page.text.starts_with("# "),
            "{} begins with its title",
            page.path
        );
        assert_eq!(count(&page, "# "), 1, "{} has one title", page.path);
    }
    for topic in IN_BOTH {
        let (english, chinese) = (Page::guide(topic, "en"), Page::guide(topic, "zh-CN"));
        for (what, start) in [
            ("sections", "## "),
            ("rows of tables", "| "),
            ("items", "- "),
            ("steps", "1. "),
        ] {
            assert_eq!(
                count(&english, start),
                count(&chinese, start),
                "{topic}: {what}"
            );
        }
        let blocks = |page: &Page| {
            page.text
                .lines()
                .filter(|line| line.starts_with("```"))
                .count()
        };
        assert_eq!(
            blocks(&english),
            blocks(&chinese),
            "{topic}: blocks of code"
        );
        assert_eq!(
            english.operations(),
            chinese.operations(),
            "{topic}: operations"
        );
    }
}

#[test]
fn the_guides_name_every_action_status_and_role() {
    let named = |page: &Page, slug: &str| {
        assert!(
            page.text.contains(&format!("`{slug}`")),
            "{}: {slug}",
            page.path
        );
    };
    for language in ["en", "zh-CN"] {
        let (api, concepts) = (
            Page::guide("api", language),
            Page::guide("concepts", language),
        );
        ActionKind::ALL
            .iter()
            .for_each(|kind| named(&api, kind.code()));
        Status::ALL
            .iter()
            .for_each(|status| named(&concepts, status.code()));
        Role::ALL
            .iter()
            .for_each(|role| named(&concepts, role.code()));
    }
}

#[test]
fn the_guides_tell_the_default_limits() {
    let settings = serde_json::to_value(Settings::default().completed()).expect("JSON");
    let told = |span: &Value, hours: &str, days: &str| {
        let words = [("hours", hours), ("days", days)];
        let mut spans = words.iter().filter_map(|(unit, word)| {
            let number = span.get(unit)?.as_u64()?;
            Some(format!("{number} {word}"))
        });
        spans.next().unwrap_or_else(|| json!(span).to_string())
    };
    for (language, hours, days) in [("en", "h", "d"), ("zh-CN", "小时", "天")] {
        let guide = Page::guide("concepts", language);
        for category in Category::ALL {
            let name = if language == "en" {
                format!("`{}`", category.code())
            } else {
                category.label_zh().to_owned()
            };
            let limits = &settings["reports"]["limits"][category.code()];
            let cells = ["critical", "serious", "general"]
                .map(|severity| told(&limits[severity], hours, days));
            let expected = format!("| {} |", cells.join(" | "));
            let row = guide.prose().find(|line| {
                line.starts_with('|') && line.contains(&name) && line.ends_with(&expected)
            });
            assert!(row.is_some(), "{}: {name} {expected}", guide.path);
        }
    }
}
