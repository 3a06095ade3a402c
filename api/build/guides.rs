//! The pages of the documentation: the reader of the API, and the guides made from Markdown.
//!
//! A guide is `docs/<topic>.<language>.md`. Its title is its first heading; in a language that it is
//! not written in, readers get it in the other one.

use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::fs;
use std::path::Path;

use pulldown_cmark::{CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};

use crate::LANGUAGES;
use crate::embedded::Embedded;

/// What readers want to know first. Other topics follow by name.
const ORDER: [&str; 5] = ["concepts", "api", "operate", "settings", "contribute"];

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// Adds the reader and all guides.
pub fn embed(here: &Path, embedded: &mut Embedded) -> Result<(), Box<dyn Error>> {
    let reader = here.join("src/docs/reader");
    println!("cargo::rerun-if-changed={}", reader.display());
    let mut files: Vec<_> = fs::read_dir(&reader)?.collect::<Result<_, _>>()?;
    files.sort_by_key(fs::DirEntry::file_name);
    for file in files {
        let name = file.file_name().to_string_lossy().into_owned();
        let kind = match name.rsplit_once('.').map(|(_, extension)| extension) {
            Some("js") => SCRIPT,
            Some("css") => "text/css; charset=utf-8",
            Some("svg") => "image/svg+xml",
            // The page is a template, and below.
            _ => continue,
        };
        embedded.add(&format!("reader/{name}"), kind, &fs::read(file.path())?)?;
    }
    let template = fs::read_to_string(reader.join("page.html"))?;
    let guides = guides(&here.join("docs"))?;
    for language in LANGUAGES {
        let words = Words::of(language);
        let add = |embedded: &mut Embedded, name: &str, page: Page<'_>| {
            let page = page.fill(&template, &words);
            embedded.add(&format!("{name}.{language}"), HTML, page.as_bytes())
        };
        let reference = Page {
            kind: "reference",
            root: "",
            title: words.reference,
            address: "docs",
            head: "<script type=\"module\" src=\"docs/main.js\"></script>",
            body: READER,
        };
        add(embedded, "reference", reference)?;
        let index = index(&guides, language);
        let page = Page {
            kind: "guide",
            root: "../",
            title: words.guide,
            address: "guide",
            head: "",
            body: &index,
        };
        add(embedded, "guide", page)?;
        for (topic, guide) in &guides {
            let Some((written, text)) = guide.in_language(language) else {
                continue;
            };
            let (title, body) = guide_page(text, written, language);
            let page = Page {
                kind: "guide",
                root: "../../",
                title: &title,
                address: topic,
                head: "",
                body: &body,
            };
            add(embedded, &format!("guide/{topic}"), page)?;
        }
    }
    Ok(())
}

/// The parts that the reader's scripts fill.
const READER: &str =
    "<div id=\"reader\"><nav id=\"contents\"></nav><main id=\"main\"></main></div>";

/// What pages say in a language.
struct Words {
    language: &'static str,
    reference: &'static str,
    guide: &'static str,
    other: &'static str,
    other_name: &'static str,
}

impl Words {
    fn of(language: &'static str) -> Self {
        if language == "en" {
            Self {
                language,
                reference: "API reference",
                guide: "Guides",
                other: "zh-CN",
                other_name: "中文",
            }
        } else {
            Self {
                language,
                reference: "接口文档",
                guide: "使用指南",
                other: "en",
                other_name: "English",
            }
        }
    }
}

struct Page<'a> {
    kind: &'a str,
    /// The way to the folder that `docs` stands in, so that a proxy may add a prefix.
    root: &'a str,
    title: &'a str,
    address: &'a str,
    head: &'a str,
    body: &'a str,
}

impl Page<'_> {
    fn fill(&self, template: &str, words: &Words) -> String {
        let title = escaped(self.title);
        let parts = [
            ("{{language}}", words.language),
            ("{{root}}", self.root),
            ("{{title}}", &title),
            ("{{kind}}", self.kind),
            ("{{reference}}", words.reference),
            ("{{guide}}", words.guide),
            ("{{other_page}}", self.address),
            ("{{other}}", words.other),
            ("{{other_name}}", words.other_name),
            ("{{head}}", self.head),
            // Last: what it says is not looked into.
            ("{{body}}", self.body),
        ];
        parts
            .into_iter()
            .fold(template.to_owned(), |page, (mark, part)| {
                page.replace(mark, part)
            })
    }
}

/// A guide in the languages it is written in.
#[derive(Default)]
struct Guide(HashMap<&'static str, String>);

impl Guide {
    fn in_language(&self, language: &'static str) -> Option<(&'static str, &str)> {
        let written = [language, "en", "zh-CN"];
        written
            .into_iter()
            .find_map(|language| Some((language, self.0.get(language)?.as_str())))
    }
}

/// Every guide of the folder, in the order of the index.
fn guides(folder: &Path) -> Result<Vec<(String, Guide)>, Box<dyn Error>> {
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut guides: BTreeMap<(usize, String), Guide> = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let Some((topic, language)) = name
            .strip_suffix(".md")
            .and_then(|name| name.split_once('.'))
        else {
            continue;
        };
        let Some(language) = LANGUAGES.into_iter().find(|known| *known == language) else {
            continue;
        };
        let rank = ORDER.iter().position(|first| topic.starts_with(first));
        let key = (rank.unwrap_or(ORDER.len()), topic.to_owned());
        let text = fs::read_to_string(&path)?;
        guides.entry(key).or_default().0.insert(language, text);
    }
    Ok(guides
        .into_iter()
        .map(|((_, topic), guide)| (topic, guide))
        .collect())
}

/// The list of all guides, each with its title and its first sentences.
fn index(guides: &[(String, Guide)], language: &'static str) -> String {
    let title = Words::of(language).guide;
    let mut list = format!("<main><h1>{title}</h1>\n<ul class=\"index\">\n");
    for (topic, guide) in guides {
        let Some((written, text)) = guide.in_language(language) else {
            continue;
        };
        let (title, opening) = opening(text);
        list.push_str(&format!(
            "<li lang=\"{written}\"><a href=\"guide/{topic}?lang={language}\">{}</a><p>{}</p></li>\n",
            escaped(&title),
            escaped(&opening)
        ));
    }
    list.push_str("</ul></main>");
    list
}

/// The title of a guide, and its first paragraph without marks.
fn opening(text: &str) -> (String, String) {
    let (mut title, mut paragraph) = (String::new(), String::new());
    let (mut in_title, mut in_paragraph) = (false, false);
    for event in Parser::new_ext(text, options()) {
        match event {
            Event::Start(Tag::Heading { level, .. }) => in_title = level == HeadingLevel::H1,
            Event::End(TagEnd::Heading(_)) => in_title = false,
            Event::Start(Tag::Paragraph) => in_paragraph = true,
            Event::End(TagEnd::Paragraph) => break,
            Event::Text(part) | Event::Code(part) if in_title => title.push_str(&part),
            Event::Text(part) | Event::Code(part) if in_paragraph => paragraph.push_str(&part),
            Event::SoftBreak if in_paragraph => paragraph.push(' '),
            _ => {}
        }
    }
    (title, paragraph)
}

fn options() -> Options {
    Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_FOOTNOTES
}

/// A guide as HTML: its title, and its body beside a list of its sections.
fn guide_page(text: &str, written: &str, language: &str) -> (String, String) {
    let (title, _) = opening(text);
    let mut ids: HashMap<String, usize> = HashMap::new();
    let mut sections = String::new();
    let mut events: Vec<Event<'_>> = Parser::new_ext(text, options()).collect();
    let mut heading: Option<(usize, HeadingLevel, String)> = None;
    let mut named: Vec<(usize, String)> = Vec::new();
    for (index, event) in events.iter_mut().enumerate() {
        match event {
            Event::Start(Tag::Heading { level, .. }) => {
                heading = Some((index, *level, String::new()));
            }
            Event::Text(part) | Event::Code(part) => {
                if let Some((_, _, text)) = &mut heading {
                    text.push_str(part);
                }
            }
            Event::End(TagEnd::Heading(_)) => {
                if let Some((start, level, text)) = heading.take() {
                    let id = unique(anchor(&text), &mut ids);
                    if level == HeadingLevel::H2 {
                        sections.push_str(&format!(
                            "<li><a href=\"#{id}\">{}</a></li>\n",
                            escaped(&text)
                        ));
                    }
                    named.push((start, id));
                }
            }
            Event::Start(Tag::Link { dest_url, .. }) => {
                if let Some(address) = served(dest_url, language) {
                    *dest_url = CowStr::from(address);
                }
            }
            _ => {}
        }
    }
    for (index, name) in named {
        if let Some(Event::Start(Tag::Heading { id, .. })) = events.get_mut(index) {
            *id = Some(CowStr::from(name));
        }
    }
    let mut body =
        format!("<nav class=\"sections\"><ul>\n{sections}</ul></nav>\n<main lang=\"{written}\">");
    html::push_html(&mut body, events.into_iter());
    body.push_str("</main>");
    (title, body)
}

/// Where a link between files of the folder leads on the server.
fn served(link: &str, language: &str) -> Option<String> {
    if link.contains("://") || link.starts_with('#') || link.starts_with('/') {
        // A path of the server, as the guides name it: relative, so that a proxy may add a prefix.
        return link.strip_prefix('/').map(|path| format!("../../{path}"));
    }
    let (file, fragment) = match link.split_once('#') {
        Some((file, fragment)) => (file, format!("#{fragment}")),
        None => (link, String::new()),
    };
    let name = file.strip_prefix("./").unwrap_or(file);
    if name.rsplit('/').next() == Some("openapi.yaml") {
        return Some("../../openapi.yaml".to_owned());
    }
    let topic = name.strip_suffix(".md")?.split('.').next()?;
    (!topic.is_empty() && !topic.contains('/'))
        .then(|| format!("{topic}?lang={language}{fragment}"))
}

/// The name of a heading in links, as GitHub makes it.
fn anchor(heading: &str) -> String {
    heading
        .to_lowercase()
        .chars()
        .filter_map(|sign| match sign {
            ' ' => Some('-'),
            '-' | '_' => Some(sign),
            sign => sign.is_alphanumeric().then_some(sign),
        })
        .collect()
}

fn unique(id: String, ids: &mut HashMap<String, usize>) -> String {
    let count = ids.entry(id.clone()).or_default();
    *count += 1;
    match *count {
        1 => id,
        again => format!("{id}-{}", again - 1),
    }
}

fn escaped(text: &str) -> String {
    let mut written = String::new();
    // A String takes whatever is written to it.
    let _ = pulldown_cmark_escape::escape_html(&mut written, text);
    written
}
