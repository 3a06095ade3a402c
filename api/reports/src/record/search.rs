//! Chinese text search: overlapping bigrams, made here, indexed by the database.
//!
//! Owns the terms and the index in both databases (FTS5, `tsvector` with GIN).
//!
//! Two characters suffice: 秸秆焚烧 becomes 秸秆 秆焚 焚烧. A run of letters or digits is one term
//! (and its own prefix is not found; identifiers are searched whole). The index only narrows; the
//! query rechecks the text itself, so a match is always a real occurrence.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use uuid::Uuid;

use crate::record::rows::{ReportRow, TextsRow};
use gridpatrol_store::prepared_statement::{PreparedByText, padded};
use gridpatrol_store::schema::report_texts;
use gridpatrol_store::types::Id;
use gridpatrol_store::{Conn, on_each, prepared};

/// A question to the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// All of these must stand in the index.
    terms: Vec<String>,
    /// All of these must stand in the texts.
    words: Vec<String>,
}

impl Search {
    /// A search for all words of `text`. Nothing to search for when a word is a single ideograph:
    /// two characters suffice, one does not.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
        if words.iter().any(|word| word.chars().count() < 2) {
            return None;
        }
        // A lone ideograph beside other characters may stand inside a longer run of a text, where it
        // is no term: the recheck alone looks for it.
        let terms: Vec<String> = terms(text)
            .into_iter()
            .filter(|term| term.chars().count() > 1 || !term.chars().all(is_ideograph))
            .collect();
        (!terms.is_empty()).then_some(Self { terms, words })
    }

    fn matches(&self, row: &ReportRow, texts: &TextsRow) -> bool {
        let all = indexed(&row.number, texts).to_lowercase();
        self.words.iter().all(|word| all.contains(word.as_str()))
    }
}

/// The texts of a report that can be searched.
fn indexed(number: &str, texts: &TextsRow) -> String {
    let mut all = number.to_owned();
    for text in [
        &texts.description,
        &texts.place_text,
        &texts.on_site_action,
        &texts.result,
        &texts.measures,
        &texts.remark,
        &texts.source_ref,
        &texts.responsible_name,
        &texts.responsible_person,
        &texts.supervising_leader,
    ]
    .into_iter()
    .flatten()
    {
        all.push('\n');
        all.push_str(text);
    }
    all
}

/// The term that marks every report of a grid and below, so that a search in one village does not
/// read the nation's matches.
fn marker(grid: Uuid) -> String {
    format!("grid{}", grid.simple())
}

/// Writes the index entry of a report, or replaces it.
pub fn index(
    conn: &mut Conn,
    search_id: i64,
    row: &ReportRow,
    texts: &TextsRow,
) -> QueryResult<()> {
    let mut entry = terms(&indexed(&row.number, texts));
    entry.extend(row.place().upward().map(|(_, grid)| marker(grid)));
    let entry = entry.join(" ");
    on_each!(conn,
        sqlite c => prepared!(diesel::sql_query(
            "INSERT OR REPLACE INTO report_search (rowid, terms) VALUES (?, ?)",
        )
        .bind::<BigInt, _>(search_id)
        .bind::<Text, _>(entry))
        .execute(c)
        .map(drop),
        postgres c => prepared!(diesel::sql_query(
            "INSERT INTO report_search (search_id, terms) \
             VALUES ($1, array_to_tsvector(string_to_array($2, ' '))) \
             ON CONFLICT (search_id) DO UPDATE SET terms = excluded.terms",
        )
        .bind::<BigInt, _>(search_id)
        .bind::<Text, _>(entry))
        .execute(c)
        .map(drop),
    )
}

#[derive(QueryableByName)]
struct Entry {
    #[diesel(sql_type = BigInt)]
    search_id: i64,
}

/// Entries of the index that match within these grids, newest first, before the entry `before`.
pub fn candidates(
    conn: &mut Conn,
    search: &Search,
    within: &[Uuid],
    before: Option<i64>,
    most: i64,
) -> QueryResult<Vec<i64>> {
    // Terms are letters, digits and ideographs, so quoting them needs no escapes.
    let joined = |quote: char, and: &str, or: &str| {
        let quoted = |term: &String| format!("{quote}{term}{quote}");
        let places: Vec<String> = within.iter().map(|grid| quoted(&marker(*grid))).collect();
        let mut all: Vec<String> = search.terms.iter().map(quoted).collect();
        all.push(format!("({})", places.join(or)));
        all.join(and)
    };
    let entries: Vec<Entry> = on_each!(conn,
        sqlite c => prepared!(diesel::sql_query(
            "SELECT rowid AS search_id FROM report_search \
             WHERE report_search MATCH ? AND rowid < ? ORDER BY rowid DESC LIMIT ?",
        )
        .bind::<Text, _>(joined('"', " AND ", " OR "))
        .bind::<BigInt, _>(before.unwrap_or(i64::MAX))
        .bind::<BigInt, _>(most))
        .load(c)?,
        postgres c => prepared!(diesel::sql_query(
            "SELECT search_id FROM report_search \
             WHERE terms @@ $1::tsquery AND ($2 IS NULL OR search_id < $2) \
             ORDER BY search_id DESC LIMIT $3",
        )
        .bind::<Text, _>(joined('\'', " & ", " | "))
        .bind::<Nullable<BigInt>, _>(before)
        .bind::<BigInt, _>(most))
        .load(c)?,
    );
    Ok(entries.into_iter().map(|entry| entry.search_id).collect())
}

/// Those of the reports in whose texts every word really stands, with their entries.
pub fn confirmed(
    conn: &mut Conn,
    search: &Search,
    rows: Vec<ReportRow>,
) -> QueryResult<Vec<(i64, ReportRow)>> {
    let ids = padded(rows.iter().map(|row| Id(row.id)));
    let texts: Vec<(i64, TextsRow)> = on_each!(conn, c => PreparedByText(report_texts::table
        .filter(report_texts::report_id.eq_any(ids))
        .select((report_texts::search_id, TextsRow::as_select())))
    .load(c))?;
    let mut texts: std::collections::HashMap<Uuid, (i64, TextsRow)> = texts
        .into_iter()
        .map(|(entry, texts)| (texts.report_id, (entry, texts)))
        .collect();
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            let (entry, texts) = texts.remove(&row.id)?;
            search.matches(&row, &texts).then_some((entry, row))
        })
        .collect())
}

/// Longest text that is indexed, in characters: the texts of a report are shorter.
const LONGEST: usize = 20_000;

/// Longest word that is indexed, in characters: what comes behind is left to the recheck. PostgreSQL
/// takes lexemes of at most 2 KiB.
const LONGEST_WORD: usize = 64;

/// Is this a character that Chinese text is made of (and that is therefore cut into bigrams)?
fn is_ideograph(character: char) -> bool {
    matches!(character, '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFF}')
}

/// The index terms of a text, each once and in order of first appearance.
#[must_use]
pub fn terms(text: &str) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    let mut out: Vec<String> = Vec::new();
    let mut add = |term: String| {
        if seen.insert(term.clone()) {
            out.push(term);
        }
    };
    for run in runs(text) {
        match run {
            Run::Ideographs(characters) => {
                // A lone character is a term too, so that a one-character word is not lost.
                if let [only] = characters.as_slice() {
                    add(only.to_string());
                }
                for pair in characters.windows(2) {
                    add(pair.iter().collect());
                }
            }
            Run::Word(word) => add(word.chars().take(LONGEST_WORD).collect()),
        }
    }
    out
}

enum Run {
    Ideographs(Vec<char>),
    Word(String),
}

fn runs(text: &str) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut open = false;
    for character in text.chars().take(LONGEST).flat_map(char::to_lowercase) {
        if !character.is_alphanumeric() {
            open = false;
            continue;
        }
        let ideograph = is_ideograph(character);
        match runs.last_mut() {
            Some(Run::Ideographs(characters)) if open && ideograph => characters.push(character),
            Some(Run::Word(word)) if open && !ideograph => word.push(character),
            _ if ideograph => runs.push(Run::Ideographs(vec![character])),
            _ => runs.push(Run::Word(character.to_string())),
        }
        open = true;
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::Search;

    #[test]
    fn two_characters_suffice_and_one_does_not() {
        assert!(Search::new("焚烧").is_some());
        assert_eq!(Search::new("烟"), None);
        assert_eq!(Search::new("秸秆 烟"), None);
        assert_eq!(Search::new("烟，火"), None);
        assert_eq!(Search::new("烟cod").unwrap().terms, ["cod"]);
    }

    #[test]
    fn chinese_is_cut_into_overlapping_pairs_and_words_stay_whole() {
        let terms = |text| super::terms(text).join(" ");
        assert_eq!(terms("秸秆焚烧"), "秸秆 秆焚 焚烧");
        assert_eq!(terms("烟，火光"), "烟 火光");
        assert_eq!(terms("排口COD超标 12mg"), "排口 cod 超标 12mg");
        assert_eq!(terms("秸秆秸秆"), "秸秆 秆秸");
        assert_eq!(terms(" ，。"), "");
        assert_eq!(super::terms(&"ཀ".repeat(3_000)), ["ཀ".repeat(64)]);
    }
}
