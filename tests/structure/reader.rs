//! Reads a crate's source: which module lies in which file, and which paths each file names.
//!
//! It looks at tokens, so paths inside of macros count too. Code under `#[cfg(test)]` does not.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// A path of module names from the crate's root, or a name from another crate.
pub type Names = Vec<String>;

/// One module that lies in a file of its own.
pub struct Module {
    /// The file, from the repository's root.
    pub file: String,
    /// What the file names: the path as it is meant from the crate's root, and the line.
    pub named: Vec<Named>,
    /// What other modules can take from here although it is written elsewhere.
    reexports: BTreeMap<String, Names>,
}

/// A path that a file names.
pub struct Named {
    /// `crate::…` for this crate, else another crate's name first.
    pub path: Names,
    /// Where.
    pub line: usize,
}

/// All modules of one crate, by their path from the root; the root itself is `crate`.
pub struct Crate {
    /// The modules with a file of their own.
    pub modules: BTreeMap<Names, Module>,
}

impl Crate {
    /// Reads the crate whose `lib.rs` lies in `folder`.
    pub fn read(root: &Path, folder: &str) -> Self {
        let mut modules = BTreeMap::new();
        let source = root.join(folder);
        read_module(
            root,
            &source.join("lib.rs"),
            &source,
            vec!["crate".to_owned()],
            &mut modules,
        );
        Self { modules }
    }

    /// The module in which the named thing is written, when it is one of this crate's.
    pub fn home(&self, path: &[String]) -> Option<Names> {
        let mut path = path.to_vec();
        // A re-export leads on to another path; a handful of steps is more than enough.
        for _ in 0..8 {
            if path.first().is_none_or(|first| first != "crate") {
                return None;
            }
            let length = (1..=path.len())
                .rev()
                .find(|&length| self.modules.contains_key(&path[..length]))?;
            let (home, rest) = path.split_at(length);
            let onward = rest
                .first()
                .and_then(|name| self.modules[home].reexports.get(name));
            match onward {
                Some(target) => path = [target.as_slice(), &rest[1..]].concat(),
                None => return Some(home.to_vec()),
            }
        }
        None
    }
}

fn read_module(
    root: &Path,
    file: &Path,
    folder: &Path,
    path: Names,
    modules: &mut BTreeMap<Names, Module>,
) {
    let text = std::fs::read_to_string(file)
        .unwrap_or_else(|error| panic!("{} cannot be read: {error}", file.display()));
    let tokens: TokenStream = text
        .parse()
        .unwrap_or_else(|error| panic!("{} is not Rust: {error}", file.display()));
    let mut reader = Reader::default();
    reader.items(tokens, &path);
    for child in &reader.children {
        let (child_file, child_folder) = place(folder, child);
        let child_path = [path.as_slice(), std::slice::from_ref(child)].concat();
        read_module(root, &child_file, &child_folder, child_path, modules);
    }
    let (named, reexports) = reader.resolve(&path);
    let file = file.strip_prefix(root).unwrap_or(file);
    let file = file.display().to_string();
    modules.insert(
        path,
        Module {
            file,
            named,
            reexports,
        },
    );
}

fn place(folder: &Path, child: &str) -> (PathBuf, PathBuf) {
    let own = folder.join(child);
    let beside = folder.join(format!("{child}.rs"));
    if beside.exists() {
        (beside, own)
    } else {
        (own.join("mod.rs"), own)
    }
}

/// One name that a `use` brings in.
struct Import {
    name: String,
    path: Names,
    line: usize,
    public: bool,
}

/// What is read from one file, before names are followed.
#[derive(Default)]
struct Reader {
    children: Vec<String>,
    imports: Vec<Import>,
    paths: Vec<Named>,
}

impl Reader {
    fn items(&mut self, tokens: TokenStream, here: &[String]) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut public = false;
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            match token {
                TokenTree::Punct(mark) if mark.as_char() == '#' => {
                    if let Some(TokenTree::Group(group)) = tokens.get(at + 1)
                        && is_test_only(&group.stream())
                    {
                        at = after_item(&tokens, at + 2);
                        continue;
                    }
                }
                TokenTree::Group(group) => self.items(group.stream(), here),
                TokenTree::Ident(ident) if *ident == "pub" => public = true,
                TokenTree::Ident(ident) if *ident == "use" => {
                    let end = (at..tokens.len())
                        .find(|&end| is_mark(tokens.get(end), ';'))
                        .unwrap_or(tokens.len());
                    self.tree(&tokens[at + 1..end], &[], here, public);
                    public = false;
                    at = end;
                }
                TokenTree::Ident(ident) if *ident == "mod" => {
                    let name = tokens.get(at + 1).map(ToString::to_string);
                    match (name, tokens.get(at + 2)) {
                        (Some(name), Some(TokenTree::Group(group))) => {
                            let inside = [here, &[name]].concat();
                            self.items(group.stream(), &inside);
                            at += 2;
                        }
                        (Some(name), next) if is_mark(next, ';') => {
                            self.children.push(name);
                            at += 2;
                        }
                        _ => {}
                    }
                    public = false;
                }
                TokenTree::Ident(ident) => {
                    // A field or a method is no path.
                    let member = at > 0
                        && is_mark(tokens.get(at - 1), '.')
                        && !(at > 1 && is_mark(tokens.get(at - 2), '.'));
                    let line = ident.span().start().line;
                    let mut path = vec![ident.to_string()];
                    while let (true, Some(TokenTree::Ident(next))) = (
                        is_mark(tokens.get(at + 1), ':') && is_mark(tokens.get(at + 2), ':'),
                        tokens.get(at + 3),
                    ) {
                        path.push(next.to_string());
                        at += 3;
                    }
                    if !member {
                        let path = absolute(path, here);
                        self.paths.push(Named { path, line });
                    }
                    if !matches!(ident.to_string().as_str(), "crate" | "super" | "in") {
                        public = false;
                    }
                }
                _ => {}
            }
            at += 1;
        }
    }

    /// One branch of a `use`: `a::b::{c, d as e}`.
    fn tree(&mut self, tokens: &[TokenTree], stem: &[String], here: &[String], public: bool) {
        let mut path = stem.to_vec();
        let mut name = None;
        let mut line = 0;
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            match token {
                TokenTree::Ident(ident) if *ident == "as" => {
                    name = tokens.get(at + 1).map(ToString::to_string);
                    at += 1;
                }
                TokenTree::Ident(ident) => {
                    line = ident.span().start().line;
                    if *ident != "self" || path.is_empty() {
                        path.push(ident.to_string());
                    }
                }
                TokenTree::Group(group) => {
                    let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                    for branch in inner.split(|token| is_mark(Some(token), ',')) {
                        if !branch.is_empty() {
                            self.tree(branch, &path, here, public);
                        }
                    }
                    return;
                }
                TokenTree::Punct(mark) if mark.as_char() == '*' => name = Some("*".to_owned()),
                _ => {}
            }
            at += 1;
        }
        let name = name.or_else(|| path.last().cloned()).unwrap_or_default();
        self.imports.push(Import {
            name,
            path: absolute(path, here),
            line,
            public,
        });
    }

    /// Follows imported names, and the names of child modules, to full paths.
    fn resolve(self, here: &[String]) -> (Vec<Named>, BTreeMap<String, Names>) {
        let children: BTreeMap<String, Names> = self
            .children
            .into_iter()
            .map(|child| (child.clone(), [here, &[child]].concat()))
            .collect();
        let full = |path: &[String], known: &BTreeMap<String, Names>| -> Option<Names> {
            let (first, rest) = path.split_first()?;
            Some([known.get(first)?.as_slice(), rest].concat())
        };
        let mut known = children;
        let mut named = Vec::new();
        let mut reexports = BTreeMap::new();
        for import in self.imports {
            let path = full(&import.path, &known).unwrap_or(import.path);
            known.insert(import.name.clone(), path.clone());
            if import.public {
                reexports.insert(import.name, path);
            } else {
                let line = import.line;
                named.push(Named { path, line });
            }
        }
        for Named { path, line } in self.paths {
            if let Some(path) = full(&path, &known) {
                named.push(Named { path, line });
            } else if path.len() > 1 {
                named.push(Named { path, line });
            }
        }
        (named, reexports)
    }
}

/// `super::` and `self::` as paths from the crate's root.
fn absolute(path: Names, here: &[String]) -> Names {
    let up = path.iter().take_while(|name| *name == "super").count();
    if up > 0 {
        let above = here.len().saturating_sub(up).max(1);
        return [&here[..above], &path[up..]].concat();
    }
    match path.first().map(String::as_str) {
        Some("self") if path.len() > 1 => [here, &path[1..]].concat(),
        _ => path,
    }
}

fn is_mark(token: Option<&TokenTree>, mark: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == mark)
}

fn is_test_only(attribute: &TokenStream) -> bool {
    let text = attribute.to_string().replace(' ', "");
    text.starts_with("cfg(test") || text.starts_with("cfg(all(test")
}

/// The place after the item that starts here: after its braces or its semicolon.
fn after_item(tokens: &[TokenTree], from: usize) -> usize {
    let end = (from..tokens.len()).find(|&at| match &tokens[at] {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        token => is_mark(Some(token), ';'),
    });
    // `use a::{b};` has braces before its semicolon.
    let end = end.unwrap_or(tokens.len());
    if is_mark(tokens.get(end + 1), ';') {
        end + 2
    } else {
        end + 1
    }
}
