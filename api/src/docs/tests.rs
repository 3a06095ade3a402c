use std::collections::{HashMap, HashSet};
use std::io::BufWriter;
use std::path::Path;

use actix_web::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, ETAG, IF_NONE_MATCH};
use actix_web::test::TestRequest;
use polib::catalog::Catalog;
use polib::message::{Message, MessageMutView as _, MessageView as _};

use super::embedded::{File, ROUTES};
use super::served::{Form, Served};
use super::translation::{paragraphs, texts, translate};
use crate::openapi;
use crate::problem::language::Language;

const PO: &str = include_str!("../../docs/openapi.zh-CN.po");

/// Every paragraph to translate, once, with the first place it stands at.
fn english() -> Vec<(String, String)> {
    let mut document = yaml_serde::to_value(openapi::document(None)).unwrap();
    let mut known = HashSet::new();
    let mut found = Vec::new();
    texts(&mut document, &mut |place, text| {
        for (number, paragraph) in paragraphs(place, text).into_iter().enumerate() {
            if known.insert(paragraph.clone()) {
                found.push((format!("{}.{number}", place.join(".")), paragraph));
            }
        }
    });
    found
}

/// The translation as it should be: what is missing stands there to be filled in. Where a text has
/// changed, the former translation stands there to be looked at again (`fuzzy`).
fn brought_up_to_date(old: &Catalog, english: &[(String, String)]) -> Catalog {
    let wanted: HashSet<&str> = english.iter().map(|(_, text)| text.as_str()).collect();
    let by_place: HashMap<&str, &dyn polib::message::MessageView> = old
        .messages()
        .filter(|message| !wanted.contains(message.msgid()))
        .map(|message| (message.source(), message))
        .collect();
    let mut new = Catalog::new(old.metadata.clone());
    for (place, text) in english {
        let mut message = Message::build_singular();
        message.with_source(place.clone()).with_msgid(text.clone());
        if let Some(known) = old.find_message(None, text, None) {
            message
                .with_msgstr(known.msgstr().unwrap().to_owned())
                .with_flags(known.flags().clone());
        } else if let Some(former) = by_place.get(place.as_str()) {
            message
                .with_translator_comments(format!("Was: {}", former.msgid().replace('\n', " ")))
                .with_msgstr(former.msgstr().unwrap().to_owned());
        }
        let mut message = message.done();
        if message.translator_comments().starts_with("Was: ") {
            message.flags_mut().add_flag("fuzzy");
        }
        new.append_or_update(message);
    }
    new
}

#[test]
fn every_text_is_translated_and_nothing_else() {
    let old = polib::po_file::parse_from_reader(PO.as_bytes()).unwrap();
    let english = english();
    let wanted: HashSet<&str> = english.iter().map(|(_, text)| text.as_str()).collect();
    let left: Vec<&str> = old
        .messages()
        .map(|message| message.msgid())
        .filter(|text| !wanted.contains(text))
        .collect();
    let missing: Vec<&(String, String)> = english
        .iter()
        .filter(|(_, text)| {
            old.find_message(None, text, None)
                .is_none_or(|known| !known.is_translated() || known.is_fuzzy())
        })
        .collect();
    if left.is_empty() && missing.is_empty() {
        return;
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/openapi.zh-CN.po");
    let file = std::fs::File::create(&path).unwrap();
    let new = brought_up_to_date(&old, &english);
    polib::po_file::write(&new, &mut BufWriter::new(file)).unwrap();
    panic!(
        "The translation misses {} texts and has {} that are gone. Fill in what is empty or `fuzzy` in \
         target/openapi.zh-CN.po, and put it in the place of api/docs/openapi.zh-CN.po.\n\
         Missing: {missing:#?}\nGone: {left:#?}",
        missing.len(),
        left.len(),
    );
}

#[test]
fn a_text_that_changed_is_looked_at_again() {
    let old = "msgid \"\"\nmsgstr \"Language: zh-CN\\n\"\n\n\
               #: info.description\nmsgid \"One.\"\nmsgstr \"一。\"\n\n\
               #: tags.0.description\nmsgid \"Two.\"\nmsgstr \"二。\"\n";
    let old = polib::po_file::parse_from_reader(old.as_bytes()).unwrap();
    let place = |place: &str, text: &str| (place.to_owned(), text.to_owned());
    let new = brought_up_to_date(
        &old,
        &[place("info.description", "One more."), place("x", "Two.")],
    );
    let one = new.find_message(None, "One more.", None).unwrap();
    assert!(one.is_fuzzy());
    assert_eq!(one.msgstr().unwrap(), "一。");
    assert_eq!(one.translator_comments(), "Was: One.");
    let two = new.find_message(None, "Two.", None).unwrap();
    assert!(!two.is_fuzzy());
    assert_eq!((two.source(), two.msgstr().unwrap()), ("x", "二。"));
    assert_eq!(new.count(), 2);
}

#[test]
fn wrapping_a_comment_anew_changes_no_text() {
    assert_eq!(paragraphs(&[], "a\nb  c\n\nd\n"), ["a b c", "d"]);
}

#[test]
fn names_of_codes_are_translated_already() {
    let mut document = yaml_serde::to_value(serde_json::json!({
        "description": "One of these:\n\n- `a`: 甲 (First)\n- `b`: WGS-84 (WGS-84)",
        "components": {"examples": {"busy": {"summary": "Busy", "value": {"title": "繁忙"}}}},
    }))
    .unwrap();
    let mut wanted = Vec::new();
    texts(&mut document, &mut |place, text| {
        wanted.extend(paragraphs(place, text))
    });
    assert_eq!(wanted, ["One of these:"]);
    let dictionary = HashMap::from([("One of these:".to_owned(), "取值：".to_owned())]);
    translate(&mut document, &dictionary);
    let document = serde_json::to_value(document).unwrap();
    assert_eq!(
        document["description"],
        "取值：\n\n- `a`: 甲\n- `b`: WGS-84"
    );
    assert_eq!(
        document["components"]["examples"]["busy"]["summary"],
        "繁忙"
    );
}

#[test]
fn texts_are_summaries_and_descriptions_and_never_data() {
    let mut document = yaml_serde::from_str(
        "components:\n  schemas:\n    Note:\n      description: One.\n      example: {description: no}\n      \
         properties:\n        description: {type: string, description: Two.}\n        example: {description: Three.}\n",
    )
    .unwrap();
    let mut found = Vec::new();
    texts(&mut document, &mut |_, text| {
        found.push(text.clone());
    });
    assert_eq!(found, ["One.", "Two.", "Three."]);
}

#[test]
fn the_table_of_routes_is_that_of_the_code() {
    let document = serde_json::to_value(openapi::document(None)).unwrap();
    let paths = document["paths"].as_object().unwrap();
    for (path, methods) in ROUTES {
        let mut named: Vec<String> = paths[*path]
            .as_object()
            .unwrap()
            .keys()
            .map(|method| method.to_uppercase())
            .collect();
        if named.contains(&"GET".to_owned()) {
            named.push("HEAD".to_owned());
        }
        named.sort();
        let mut known = methods.to_vec();
        known.sort_unstable();
        assert_eq!(known, named, "{path}");
    }
    assert_eq!(ROUTES.len(), paths.len());
}

fn unpacked(file: &File) -> String {
    std::io::read_to_string(flate2::read::GzDecoder::new(file.packed)).unwrap()
}

#[test]
fn the_chinese_document_has_all_that_the_english_one_has() {
    let read = |name: &str| -> serde_json::Value {
        serde_json::from_str(&unpacked(File::named(name).unwrap())).unwrap()
    };
    let (english, chinese) = (read("openapi.en.json"), read("openapi.zh-CN.json"));
    let pointer = "/paths/~1v1~1auth~1login/post/summary";
    assert_eq!(english.pointer(pointer).unwrap(), "Sign in");
    assert_eq!(chinese.pointer(pointer).unwrap(), "登录");
    let unwritten = |mut document: serde_json::Value| {
        fn clear(value: &mut serde_json::Value) {
            match value {
                serde_json::Value::String(text) => text.clear(),
                serde_json::Value::Array(items) => items.iter_mut().for_each(clear),
                serde_json::Value::Object(members) => members.values_mut().for_each(clear),
                _ => {}
            }
        }
        clear(&mut document);
        document
    };
    assert_eq!(unwritten(english), unwritten(chinese));
    let yaml = unpacked(File::named("openapi.en.yaml").unwrap());
    assert_eq!(yaml, include_str!("../../../openapi.yaml"));
}

async fn answered(served: &Served, request: TestRequest, form: Form) -> (u16, String, Vec<u8>) {
    let answer = served
        .answer(&request.to_http_request(), form, Language::Chinese)
        .unwrap();
    let tag = answer
        .headers()
        .get(ETAG)
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned();
    let status = answer.status().as_u16();
    let zipped = answer.headers().contains_key(CONTENT_ENCODING);
    let body = actix_web::body::to_bytes(answer.into_body()).await.unwrap();
    let body = if zipped {
        std::io::read_to_string(flate2::read::GzDecoder::new(&*body))
            .unwrap()
            .into_bytes()
    } else {
        body.to_vec()
    };
    (status, tag, body)
}

#[actix_web::test]
async fn a_public_address_is_the_documents_server() {
    let address = "https://patrol.example.org/api";
    let (plain, public) = (Served::new(None), Served::new(Some(address.to_owned())));
    for form in [Form::Yaml, Form::Json] {
        let (_, plain_tag, _) = answered(&plain, TestRequest::get(), form).await;
        let (status, tag, body) = answered(&public, TestRequest::get(), form).await;
        assert_eq!(status, 200);
        assert_ne!(tag, plain_tag);
        let document: serde_json::Value = match form {
            Form::Yaml => yaml_serde::from_slice(&body).unwrap(),
            Form::Json => serde_json::from_slice(&body).unwrap(),
        };
        assert_eq!(document["servers"], serde_json::json!([{"url": address}]));
        let zipped = TestRequest::get().insert_header((ACCEPT_ENCODING, "gzip"));
        let (_, weak, unzipped) = answered(&public, zipped, form).await;
        assert_eq!((weak, unzipped), (format!("W/{tag}"), body));
        let known = TestRequest::get().insert_header((IF_NONE_MATCH, tag.as_str()));
        assert_eq!(answered(&public, known, form).await.0, 304);
    }
}
