//! Importing divisions over HTTP.

use std::io::Write as _;

use gridpatrol_domain::error::Code;
use serde_json::{Value, json};

use crate::support::client::id_of;
use crate::support::{Answer, Client, World};

on_both!(
    a_file_is_taken_in_checked_and_published,
    bad_lines_are_named_and_nothing_is_published,
    a_spreadsheet_is_read_and_a_bomb_is_not,
    grids_end_by_import_and_reports_follow,
);

async fn send(officer: &Client, query: &str, media: &str, file: Vec<u8>) -> Answer {
    let request = officer
        .request(reqwest::Method::POST, &format!("/v1/grids/import{query}"))
        .header("content-type", media)
        .body(file);
    officer.send(request).await
}

/// Waits for an import to end.
async fn ended(officer: &Client, accepted: &Answer) -> Value {
    let import = accepted.expect(202);
    let target = accepted.header("location").to_owned();
    assert_eq!(target, format!("/v1/imports/{}", id_of(&import)));
    for _ in 0..600 {
        let import = officer.get(&target).await.ok();
        if import["finished_at"].is_string() {
            return import;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the import does not end");
}

const FILE: &str = "code,name\n\
    990001100203,石桥村\n\
    990001100203001,一组\n\
    990001100200,青山村\n\
    990001100201,示范2村\n";

async fn a_file_is_taken_in_checked_and_published(world: World) {
    let leader = world.town_leader().await;
    for username in ["town_officer", "secretary_1", "group_1_1"] {
        let officer = world.sign_in(username).await;
        send(&officer, "", "text/csv", FILE.into())
            .await
            .refused(Code::NotPermitted);
    }
    let dry = send(&leader, "?dry_run=true", "text/csv", FILE.into()).await;
    let dry = ended(&leader, &dry).await;
    assert_eq!(dry["state"], "done");
    let counts = json!({"created": 2, "updated": 1, "unchanged": 1, "archived": 0});
    assert_eq!((&dry["counts"], &dry["lines"]), (&counts, &json!(4)));
    assert_eq!(leader.all("/v1/grids?tier=village").await.len(), 3);

    // The same request again is the same import.
    let keyed = || {
        let request = leader
            .request(
                reqwest::Method::POST,
                "/v1/grids/import?file_name=divisions.csv",
            )
            .header("content-type", "text/csv")
            .header("Idempotency-Key", "import-1")
            .body(FILE);
        leader.send(request)
    };
    let first = keyed().await;
    let import = ended(&leader, &first).await;
    assert_eq!(import["counts"], counts);
    assert_eq!(import["file_name"], "divisions.csv");
    let again = keyed().await;
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(again.header("location"), first.header("location"));
    let villages = leader.all("/v1/grids?tier=village").await;
    assert_eq!(villages.len(), 4);
    assert_eq!(villages[0]["name"], "青山村");
    let history = leader
        .all(&format!(
            "/v1/grids/{}/history?limit=9",
            world.here().village(1)
        ))
        .await;
    assert_eq!(history[0]["officer"]["name"], "李镇长");

    // Seen by who sent it and by administrators, and by nobody else.
    let target = format!("/v1/imports/{}", id_of(&import));
    let list = leader.all("/v1/imports?limit=1").await;
    assert_eq!(list.len(), 2);
    assert_eq!(id_of(&list[0]), id_of(&import));
    let admin = world.sign_in("b_admin").await;
    assert_eq!(id_of(&admin.get(&target).await.ok()), id_of(&import));
    let other = world.town_officer().await;
    other.get(&target).await.refused(Code::NotFound);
    other
        .get(&format!("{target}/errors"))
        .await
        .refused(Code::NotFound);
    assert_eq!(other.all("/v1/imports?limit=9").await, Vec::<Value>::new());
}

async fn bad_lines_are_named_and_nothing_is_published(world: World) {
    let leader = world.town_leader().await;
    // Another town's line, a new town, a stranger's parent, a code of nobody's tier.
    let bad = "code,name\n\
        990001100204,新村\n\
        990002100200,邻村改名\n\
        990009100000,新镇\n\
        990001100209001,无村之组\n";
    let refused = send(&leader, "", "application/octet-stream", bad.into()).await;
    let import = ended(&leader, &refused).await;
    assert_eq!(
        (&import["state"], &import["errors_total"]),
        (&json!("failed"), &json!(3))
    );
    let errors = leader
        .all(&format!("/v1/imports/{}/errors?limit=2", id_of(&import)))
        .await;
    let mut named: Vec<(i64, &str, &str)> = errors
        .iter()
        .map(|error| {
            (
                error["line"].as_i64().unwrap(),
                error["column"].as_str().unwrap(),
                error["code"].as_str().unwrap(),
            )
        })
        .collect();
    named.sort_unstable();
    assert_eq!(
        named,
        [
            (3, "code", "not_permitted"),
            (4, "code", "not_permitted"),
            (5, "parent_code", "not_found"),
        ]
    );
    assert_eq!(leader.all("/v1/grids?tier=village").await.len(), 3);

    // What is none at all is refused at once.
    send(&leader, "", "application/json", b"{}".to_vec())
        .await
        .refused(Code::UnsupportedMediaType);
    let old = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec();
    send(&leader, "", "application/vnd.ms-excel", old)
        .await
        .refused(Code::UnsupportedMediaType);
    send(&leader, "", "text/csv", Vec::new())
        .await
        .wrong_at(&[("", "required")]);
    send(&leader, "?dry=1", "text/csv", FILE.into())
        .await
        .wrong_at(&[("query/dry", "unknown_field")]);
}

/// A workbook of one sheet, its cells as Excel writes them: shared strings and numbers.
fn workbook(rows: &[&[&str]]) -> Vec<u8> {
    let mut strings = String::new();
    let mut cells = String::new();
    let mut count = 0;
    for (row, values) in rows.iter().enumerate() {
        cells.push_str(&format!("<row r=\"{}\">", row + 1));
        for (column, value) in values.iter().enumerate() {
            let place = format!(
                "{}{}",
                char::from(b'A' + u8::try_from(column).unwrap()),
                row + 1
            );
            if value.parse::<u64>().is_ok() {
                cells.push_str(&format!("<c r=\"{place}\"><v>{value}</v></c>"));
            } else {
                cells.push_str(&format!("<c r=\"{place}\" t=\"s\"><v>{count}</v></c>"));
                strings.push_str(&format!("<si><t>{value}</t></si>"));
                count += 1;
            }
        }
        cells.push_str("</row>");
    }
    let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let package = "http://schemas.openxmlformats.org/package/2006";
    packed(&[
        (
            "[Content_Types].xml",
            format!("<Types xmlns=\"{package}/content-types\"/>"),
        ),
        (
            "_rels/.rels",
            format!(
                "<Relationships xmlns=\"{package}/relationships\"><Relationship Id=\"rId1\" Type=\"{office}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
            ),
        ),
        (
            "xl/workbook.xml",
            format!(
                "<workbook xmlns=\"{main}\" xmlns:r=\"{office}\"><sheets><sheet name=\"网格\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>"
            ),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            format!(
                "<Relationships xmlns=\"{package}/relationships\"><Relationship Id=\"rId1\" Type=\"{office}/worksheet\" Target=\"worksheets/sheet1.xml\"/><Relationship Id=\"rId2\" Type=\"{office}/sharedStrings\" Target=\"sharedStrings.xml\"/></Relationships>"
            ),
        ),
        (
            "xl/sharedStrings.xml",
            format!(
                "<sst xmlns=\"{main}\" count=\"{count}\" uniqueCount=\"{count}\">{strings}</sst>"
            ),
        ),
        (
            "xl/worksheets/sheet1.xml",
            format!("<worksheet xmlns=\"{main}\"><sheetData>{cells}</sheetData></worksheet>"),
        ),
    ])
}

fn packed(parts: &[(&str, String)]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in parts {
        let options = zip::write::SimpleFileOptions::default();
        archive.start_file(*name, options).unwrap();
        archive.write_all(content.as_bytes()).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

async fn a_spreadsheet_is_read_and_a_bomb_is_not(world: World) {
    const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    let leader = world.town_leader().await;
    let file = workbook(&[
        &["统计用区划代码", "名称", "层级", "联系电话"],
        &["990001100203", "石桥村", "村", "0812-1"],
        &["990001100203001", "一组", "村民小组"],
    ]);
    let import = ended(&leader, &send(&leader, "", XLSX, file).await).await;
    assert_eq!(import["state"], "done", "{import}");
    assert_eq!(import["counts"]["created"], 2);
    let villages = leader.all("/v1/grids?q=石桥").await;
    assert_eq!(villages[0]["contact"], "0812-1");

    let bad = workbook(&[&["code", "name"], &["990001100203", ""], &["12", "x"]]);
    let import = ended(&leader, &send(&leader, "", XLSX, bad).await).await;
    let errors = leader
        .get(&format!("/v1/imports/{}/errors", id_of(&import)))
        .await
        .ok();
    assert_eq!(errors["items"][0]["line"], 2);
    assert_eq!(errors["items"][1]["code"], "bad_format");

    // Half a gigabyte of nothing, packed in half a megabyte.
    let bomb = packed(&[("xl/sharedStrings.xml", " ".repeat(200 * 1024 * 1024))]);
    for file in [bomb, b"PK\x03\x04 and no more".to_vec()] {
        let import = ended(&leader, &send(&leader, "", XLSX, file).await).await;
        assert_eq!(
            (&import["state"], &import["errors_total"]),
            (&json!("failed"), &json!(1))
        );
    }
}

async fn grids_end_by_import_and_reports_follow(world: World) {
    let (leader, here) = (world.town_leader().await, world.here());
    let filer = world.leader(1, 1).await;
    let filing = crate::support::filing(here.group(1, 1));
    let id = id_of(&filer.file(&filing).await);
    let file = "code,name,successor_code\n\
        990001100200,示范1村,990001100208\n\
        990001100201,示范2村,990001100208\n\
        990001100208,合并村,\n";
    let import = ended(&leader, &send(&leader, "", "text/csv", file.into()).await).await;
    assert_eq!(
        import["counts"],
        json!({"created": 1, "updated": 0, "unchanged": 0, "archived": 2})
    );
    let villages = leader.all("/v1/grids?tier=village").await;
    assert_eq!(villages.len(), 2);
    let new = id_of(&villages[1]);
    assert_eq!(villages[1]["name"], "合并村");
    let report = filer.report(id).await;
    assert_eq!(report["desk"]["grid_id"], json!(new));
    let groups = leader.all(&format!("/v1/grids?parent={new}")).await;
    assert_eq!(groups.len(), 6);
    // Again, it changes nothing; and what has ended does not come back.
    let import = ended(&leader, &send(&leader, "", "text/csv", file.into()).await).await;
    assert_eq!(import["counts"]["unchanged"], 3);
    let back = "code,name\n990001100200,示范1村\n";
    let import = ended(&leader, &send(&leader, "", "text/csv", back.into()).await).await;
    assert_eq!(import["state"], "failed");
}
