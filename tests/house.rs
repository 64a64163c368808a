//! Keeps the house true: modules know only what stands above them, an outside crate has one family, files and functions stay short.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

const LONGEST_FILE: usize = 500;
const LONGEST_FUNCTION: usize = 70;
const MEDIAN_FILE: usize = 200;

/// An outside crate, and the only modules that may name it.
const FAMILIES: [(&str, &[&str]); 28] = [
    ("sqlx", &["store"]),
    ("quick_xml", &["message"]),
    ("toml", &["message"]),
    ("tonic", &["grpc"]),
    ("prost", &["grpc"]),
    ("axum", &["listener", "console", "tiles"]),
    ("maud", &["console"]),
    ("form_urlencoded", &["console"]),
    ("hyper", &["tiles"]),
    ("hyper_util", &["tiles"]),
    ("http_body_util", &["tiles"]),
    ("http_body", &["grpc", "tiles"]),
    ("tokio_rustls", &["listener", "tiles"]),
    ("clap", &["cli", "main"]),
    ("indicatif", &["cli"]),
    ("calamine", &["cli"]),
    ("rust_xlsxwriter", &["cli", "console"]),
    ("zip", &["cli"]),
    ("figment", &["config"]),
    ("rustix", &["clock"]),
    ("chacha20poly1305", &["vault"]),
    ("opentelemetry", &["telemetry"]),
    ("opentelemetry_sdk", &["telemetry"]),
    ("opentelemetry_otlp", &["telemetry"]),
    ("argon2", &["accounts"]),
    ("totp_rs", &["accounts"]),
    ("fast_qr", &["accounts"]),
    ("flate2", &["archive"]),
];

struct Source {
    path: PathBuf,
    module: String,
    text: String,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources() -> Vec<Source> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let src = root().join("src");
    let mut paths = Vec::new();
    walk(&src, &mut paths);
    paths.sort();
    let source = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        let first = path.strip_prefix(&src).unwrap().components().next().unwrap();
        let module = Path::new(first.as_os_str()).file_stem().unwrap().to_str().unwrap().to_owned();
        Source { path, module, text }
    };
    paths.into_iter().map(source).collect()
}

/// The modules in the order of `src/lib.rs`.
fn order() -> Vec<String> {
    let lib = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).map(str::to_owned).collect()
}

/// The code of a file without comments, strings left in.
fn code(text: &str) -> String {
    text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// The names that follow each `prefix` directly: one, or all at the top of a group in braces.
fn names_after(text: &str, prefix: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (at, _) in text.match_indices(prefix) {
        let before = text[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let rest = &text[at + prefix.len()..];
        let Some(group) = rest.strip_prefix('{') else {
            names.push(identifier(rest));
            continue;
        };
        let mut depth = 0;
        let mut start = true;
        for (place, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => start = true,
                c if start && depth == 0 && !c.is_whitespace() => {
                    names.push(identifier(&group[place..]));
                    start = false;
                }
                _ => {}
            }
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

fn identifier(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

#[test]
fn a_module_uses_only_what_stands_above_it() {
    let order = order();
    let place = |name: &str| order.iter().position(|module| module == name);
    let mut wrong = Vec::new();
    for source in sources() {
        let Some(own) = place(&source.module) else { continue };
        for name in names_after(&code(&source.text), "crate::") {
            if place(&name).is_some_and(|used| used > own) {
                wrong.push(format!("{} uses {name}, which stands below it", source.path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_module_is_in_the_map() {
    let order = order();
    let missing: Vec<_> = sources()
        .into_iter()
        .map(|source| source.module)
        .filter(|module| !["lib", "main"].contains(&module.as_str()) && !order.contains(module))
        .collect();
    assert!(missing.is_empty(), "not in src/lib.rs: {missing:?}");
}

#[test]
fn an_outside_crate_has_one_family() {
    let mut wrong = Vec::new();
    for source in sources() {
        let text = code(&source.text);
        for (outside, allowed) in FAMILIES {
            let named = text.match_indices(outside).any(|(at, _)| {
                let before = text[..at].chars().next_back();
                let after = &text[at + outside.len()..];
                !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '"')
                    && (after.starts_with("::")
                        || after.starts_with('_')
                            && after.contains("::")
                            && identifier(after).len() < 12
                            && after[identifier(after).len()..].starts_with("::"))
            });
            if named && !allowed.contains(&source.module.as_str()) {
                wrong.push(format!("{} names {outside}, which belongs to {allowed:?}", source.path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn files_and_functions_are_short() {
    let mut wrong = Vec::new();
    let mut lengths = Vec::new();
    for source in sources() {
        let length = source.text.lines().count();
        lengths.push(length);
        if length > LONGEST_FILE {
            wrong.push(format!("{} has {length} lines; a family wants a folder", source.path.display()));
        }
        for (name, lines) in functions(&source.text) {
            if lines > LONGEST_FUNCTION {
                wrong.push(format!("{}: fn {name} has {lines} lines", source.path.display()));
            }
        }
    }
    lengths.sort_unstable();
    let median = lengths[lengths.len() / 2];
    assert!(median <= MEDIAN_FILE, "the median file has {median} lines");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Functions with their length, told by the indentation that rustfmt gives the closing brace.
fn functions(text: &str) -> Vec<(String, usize)> {
    let lines: Vec<_> = text.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let indent = line.len() - line.trim_start().len();
        let Some(name) = names_after(line, "fn ").into_iter().next() else { continue };
        if line.trim_start().starts_with("//") {
            continue;
        }
        let end = lines[at..].iter().position(|later| later.trim_end() == format!("{}}}", " ".repeat(indent)));
        let body = lines[at..].iter().position(|later| later.trim_end().ends_with(';') && later.len() - later.trim_start().len() == indent);
        match (end, body) {
            (Some(end), Some(body)) if body < end => {}
            (Some(end), _) => found.push((name, end + 1)),
            _ => {}
        }
    }
    found
}

#[test]
fn only_a_measurement_leaves_the_log_untold() {
    let names = |source: &Source| source.text.contains("silence::begin") || source.text.contains("silence::*");
    let named: Vec<_> = sources().into_iter().filter(names).map(|source| source.module).collect();
    assert_eq!(named, ["bench"]);
}

#[test]
fn nothing_is_left_half_done() {
    const MARKS: [&str; 7] = ["todo!", "unimplemented!", "TODO", "FIXME", "// XXX", "dbg!", "#[allow("];
    let mut wrong = Vec::new();
    for source in sources() {
        for (number, line) in source.text.lines().enumerate() {
            for mark in MARKS {
                if line.contains(mark) {
                    wrong.push(format!("{}:{}: {mark}", source.path.display(), number + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_house_test_itself_sees() {
    assert_eq!(names_after("use crate::{\n    a::{b, c},\n    d,\n}; crate::e::f; xcrate::g", "crate::"), ["a", "d", "e"]);
    let text = "fn short() {\n}\n\nfn long() {\n    x;\n    y;\n}\n";
    assert_eq!(functions(text).into_iter().collect::<BTreeMap<_, _>>(), BTreeMap::from([("short".to_owned(), 2), ("long".to_owned(), 4)]));
    assert!(order().contains(&"clock".to_owned()));
    assert!(sources().len() > 10);
}

/// The calls of each service in `proto/`.
fn calls() -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for entry in fs::read_dir(root().join("proto/tongguan/v1")).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        let mut service = String::new();
        for line in text.lines() {
            if let Some(name) = line.strip_prefix("service ") {
                service = identifier(name);
            } else if let Some(name) = line.strip_prefix("  rpc ") {
                found.entry(service.clone()).or_default().push(identifier(name));
            }
        }
    }
    found
}

#[test]
fn the_readme_names_every_call() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let calls = calls();
    assert!(calls.len() >= 5, "{calls:?}");
    for (service, mut calls) in calls {
        let row =
            readme.lines().find(|line| line.starts_with(&format!("| `{service}` |"))).unwrap_or_else(|| panic!("no row for {service}"));
        let mut named: Vec<_> = row.split('|').nth(2).unwrap().split([',', ';']).map(|name| name.trim().to_owned()).collect();
        named.sort();
        calls.sort();
        assert_eq!(named, calls, "{service}");
    }
}
