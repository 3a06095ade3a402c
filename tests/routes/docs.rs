//! The document, its viewer and the guides: languages, compression, and what a browser may load.

use std::io::Read as _;

use gridpatrol_domain::error::Code;
use reqwest::Method;

use crate::support::answer::Answer;
use crate::support::{Client, World};

const CHECKED_IN: &str = include_str!("../../openapi.yaml");

on_both!(
    tools_get_the_document_that_is_checked_in,
    the_document_speaks_the_language_that_is_asked_for,
    it_is_sent_compressed_and_only_when_it_has_changed,
    a_browser_is_led_to_a_page_that_loads_nothing_from_elsewhere,
    the_guides_are_pages_that_lead_to_each_other,
    what_the_documentation_does_not_have_is_not_found,
);

async fn ask(client: &Client, target: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = client.request(Method::GET, target);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    client.send(request).await
}

async fn tools_get_the_document_that_is_checked_in(world: World) {
    let tool = world.stranger();
    for headers in [
        &[][..],
        &[("Accept-Language", "*")],
        &[("Accept-Language", "fr")],
    ] {
        let answer = ask(&tool, "/openapi.yaml", headers).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), "application/yaml");
        assert_eq!(answer.header("content-language"), "en");
        assert!(answer.text() == CHECKED_IN, "it is the file, byte for byte");
    }
    let json = tool.get("/openapi.json").await;
    assert_eq!(json.header("content-type"), "application/json");
    let json = json.ok();
    assert_eq!(json["openapi"], "3.1.0");
    let login = &json["paths"]["/v1/auth/login"]["post"];
    assert_eq!(login["summary"], "Sign in");
}

async fn the_document_speaks_the_language_that_is_asked_for(world: World) {
    let developer = world.stranger();
    let chinese = [("Accept-Language", "zh-CN,zh;q=0.9,en;q=0.8")];
    for (target, headers, summary) in [
        ("/openapi.json", &chinese[..], "登录"),
        ("/openapi.json?lang=zh", &[][..], "登录"),
        ("/openapi.json?lang=zh-CN", &[][..], "登录"),
        ("/openapi.json?lang=en", &chinese[..], "Sign in"),
    ] {
        let answer = ask(&developer, target, headers).await;
        let document = answer.ok();
        let login = &document["paths"]["/v1/auth/login"]["post"];
        assert_eq!(login["summary"], summary, "{target}");
    }
    let yaml = developer.get("/openapi.yaml?lang=zh").await;
    assert_eq!(yaml.header("content-language"), "zh-CN");
    assert!(yaml.text().contains("summary: 登录\n"));
    let wrong = developer.get("/openapi.yaml?lang=de").await;
    wrong.refused(Code::ValidationFailed);
}

async fn it_is_sent_compressed_and_only_when_it_has_changed(world: World) {
    let tool = world.stranger();
    for target in [
        "/openapi.yaml",
        "/openapi.json",
        "/docs",
        "/docs/main.js",
        "/docs/guide",
    ] {
        let plain = tool.get(target).await;
        assert_eq!(plain.header("content-encoding"), "");
        let zipped = ask(&tool, target, &[("Accept-Encoding", "gzip, br")]).await;
        assert_eq!(zipped.header("content-encoding"), "gzip", "{target}");
        let mut text = String::new();
        flate2::read::GzDecoder::new(zipped.body.as_slice())
            .read_to_string(&mut text)
            .expect("gzip");
        assert!(text == plain.text(), "{target}");
        assert!(zipped.body.len() < plain.body.len());
        let (strong, weak) = (plain.header("etag"), zipped.header("etag"));
        assert_eq!(weak, format!("W/{strong}"));
        for known in [strong, weak] {
            let again = ask(&tool, target, &[("If-None-Match", known)]).await;
            assert_eq!((again.status, again.body.len()), (304, 0), "{target}");
        }
        let other = ask(&tool, target, &[("If-None-Match", "\"other\"")]).await;
        assert_eq!(other.status, 200);
        let vary: Vec<_> = zipped.headers.get_all("vary").iter().collect();
        for name in ["accept-encoding", "accept-language"] {
            assert!(vary.iter().any(|value| *value == name), "{target}: {name}");
        }
    }
    let (english, chinese) = (
        tool.get("/docs?lang=en").await,
        tool.get("/docs?lang=zh").await,
    );
    assert_ne!(english.header("etag"), chinese.header("etag"));
}

/// The addresses that a page names.
fn addresses(page: &str) -> Vec<&str> {
    ["href=\"", "src=\""]
        .iter()
        .flat_map(|mark| page.split(mark).skip(1))
        .filter_map(|rest| rest.split('"').next())
        .collect()
}

async fn a_browser_is_led_to_a_page_that_loads_nothing_from_elsewhere(world: World) {
    let browser = world.stranger();
    let chinese = browser.get("/docs").await;
    assert_eq!(chinese.status, 200);
    assert_eq!(chinese.header("content-type"), "text/html; charset=utf-8");
    assert!(chinese.text().contains("<html lang=\"zh-CN\""));
    let english = ask(&browser, "/docs", &[("Accept-Language", "en-GB,en")]).await;
    assert!(english.text().contains("<html lang=\"en\""));
    for page in [&chinese, &english] {
        let policy = page.header("content-security-policy");
        for rule in [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "connect-src 'self'",
            "frame-ancestors 'none'",
        ] {
            assert!(policy.contains(rule), "{rule}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        let text = page.text();
        assert!(!text.contains("<style") && !text.contains(" style="));
        for address in addresses(&text) {
            assert!(!address.contains("//"), "{address}");
            let found = browser.get(&format!("/{address}")).await;
            assert_eq!(found.status, 200, "{address}");
        }
    }
    let script = browser.get("/docs/main.js").await;
    assert_eq!(
        script.header("content-type"),
        "text/javascript; charset=utf-8"
    );
    for module in script.text().split("from './").skip(1) {
        let module = module.split('\'').next().expect("a name");
        let found = browser.get(&format!("/docs/{module}")).await;
        assert_eq!(found.status, 200, "{module}");
    }
    // The client follows, as a browser does.
    for start in ["/", "/docs/"] {
        assert_eq!(browser.get(start).await.text(), chinese.text(), "{start}");
    }
}

async fn the_guides_are_pages_that_lead_to_each_other(world: World) {
    let reader = world.stranger();
    for (language, title) in [("zh-CN", "使用指南"), ("en", "Guides")] {
        let index = reader.get(&format!("/docs/guide?lang={language}")).await;
        assert_eq!(index.status, 200);
        assert_eq!(index.header("content-language"), language);
        let text = index.text();
        assert!(text.contains(&format!("<h1>{title}</h1>")));
        let guides: Vec<_> = addresses(&text)
            .into_iter()
            .filter(|address| address.starts_with("guide/"))
            .collect();
        assert!(!guides.is_empty());
        for guide in guides {
            let page = reader.get(&format!("/docs/{guide}")).await;
            assert_eq!(page.status, 200, "{guide}");
            let text = page.text();
            assert!(text.contains("<h1 id=\""), "{guide} has a title");
            for address in addresses(&text) {
                if address.contains("://") || address.starts_with('#') {
                    continue;
                }
                let (address, _) = address.split_once('#').unwrap_or((address, ""));
                let target = match address.strip_prefix("../../") {
                    Some(address) => format!("/{address}"),
                    None => format!("/docs/guide/{address}"),
                };
                let found = reader.get(&target).await;
                assert!(
                    matches!(found.status, 200 | 303 | 401),
                    "{guide} leads to {target}: {}",
                    found.status
                );
            }
        }
    }
    let english = ask(
        &reader,
        "/docs/guide/documentation",
        &[("Accept-Language", "en")],
    )
    .await;
    assert!(english.text().contains("The Chinese texts"));
    let chinese = reader.get("/docs/guide/documentation").await;
    assert!(chinese.text().contains("<h2 id=\"中文文字\">"));
}

async fn what_the_documentation_does_not_have_is_not_found(world: World) {
    let reader = world.stranger();
    for target in [
        "/docs/guide/nothing",
        "/docs/nothing.js",
        "/docs/page.html",
        "/docs/../openapi.yaml.gz",
        "/docs/guide/documentation.en",
    ] {
        assert_eq!(reader.get(target).await.status, 404, "{target}");
    }
    let posted = reader
        .send(reader.request(Method::POST, "/openapi.json"))
        .await;
    posted.refused(Code::MethodNotAllowed);
    assert_eq!(posted.header("allow"), "GET, HEAD");
    let wrong = reader.get("/docs?language=zh").await;
    wrong.refused(Code::ValidationFailed);
}
