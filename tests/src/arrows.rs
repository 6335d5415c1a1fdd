//! Which crate may depend on which: the arrows of the workspace, checked on what cargo says of it.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// A package of the workspace and the names of everything it depends on, tests and build included.
#[derive(Debug, Clone)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// What it depends on: name, and whether only for its tests.
    pub needs: Vec<(String, bool)>,
}

/// What a package of ours may depend on, ours and others'. What is not named here is not allowed to be there.
struct Arrow {
    from: &'static str,
    /// Packages of ours.
    ours: &'static [&'static str],
    /// Families of crates it must never see, by prefix.
    never: &'static [&'static str],
}

/// Crates that belong to the edge: transport and its encoding.
const TRANSPORT: [&str; 7] = ["tonic", "prost", "hyper", "h2", "http", "tower", "protox"];

const ARROWS: [Arrow; 7] = [
    // Pure: no files, no clock, no runtime.
    Arrow {
        from: "baton-domain",
        ours: &[],
        never: &[
            "tonic",
            "prost",
            "hyper",
            "h2",
            "http",
            "tower",
            "protox",
            "sled",
            "tokio",
            "async-trait",
            "rand",
            "libc",
            "rustix",
        ],
    },
    Arrow { from: "baton-ledger", ours: &[], never: &TRANSPORT },
    Arrow {
        from: "baton-engine",
        ours: &["baton-domain", "baton-ledger"],
        never: &["tonic", "prost", "hyper", "h2", "http", "tower", "protox", "sled"],
    },
    Arrow { from: "baton-proto", ours: &[], never: &["sled"] },
    Arrow { from: "batond", ours: &["baton-domain", "baton-engine", "baton-ledger", "baton-proto"], never: &["sled"] },
    Arrow { from: "baton", ours: &["baton-domain", "baton-engine", "baton-ledger", "baton-proto", "batond"], never: &["sled"] },
    Arrow { from: "baton-e2e", ours: &["baton-proto", "batond"], never: &["sled"] },
];

/// The packages of the workspace that holds `dir`.
///
/// # Panics
/// When cargo does not answer.
pub fn workspace(dir: &Path) -> Vec<Package> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let arguments = ["metadata", "--no-deps", "--offline", "--format-version", "1"];
    let output = Command::new(cargo).args(arguments).current_dir(dir).output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo writes JSON");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let package = |package: &Value| Package {
        name: text(&package["name"]),
        needs: package["dependencies"].as_array().into_iter().flatten().map(|d| (text(&d["name"]), d["kind"] == "dev")).collect(),
    };
    metadata["packages"].as_array().into_iter().flatten().map(package).collect()
}

/// Every arrow that must not be there, and every package of which nothing is said here.
pub fn violations(packages: &[Package]) -> Vec<String> {
    let is_ours = |name: &str| packages.iter().any(|p| p.name == name);
    let mut found = Vec::new();
    for package in packages {
        let Some(arrow) = ARROWS.iter().find(|a| a.from == package.name) else {
            found.push(format!("of {} no arrows are written down", package.name));
            continue;
        };
        for (need, only_tests) in &package.needs {
            if is_ours(need) && !arrow.ours.contains(&need.as_str()) {
                found.push(format!("{} depends on {need}", package.name));
            }
            let never = arrow.never.iter().any(|prefix| need == prefix || need.starts_with(&format!("{prefix}-")));
            if never && !only_tests {
                found.push(format!("{} sees {need}", package.name));
            }
        }
    }
    for arrow in &ARROWS {
        if !is_ours(arrow.from) {
            found.push(format!("{} is not in the workspace", arrow.from));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn here() -> Vec<Package> {
        workspace(Path::new(env!("CARGO_MANIFEST_DIR")))
    }

    fn with(name: &str, need: &str) -> Vec<String> {
        let mut packages = here();
        let package = packages.iter_mut().find(|p| p.name == name).expect("a package of ours");
        package.needs.push((need.to_owned(), false));
        violations(&packages)
    }

    #[test]
    fn crates_of_the_workspace_depend_on_each_other_as_designed() {
        assert_eq!(violations(&here()), Vec::<String>::new());
    }

    #[test]
    fn arrow_that_must_not_be_is_found() {
        let wrong = [
            ("baton-domain", "baton-ledger"),
            ("baton-domain", "tonic"),
            ("baton-domain", "prost-types"),
            ("baton-domain", "tokio"),
            ("baton-ledger", "baton-domain"),
            ("baton-ledger", "tonic-health"),
            ("baton-engine", "baton-proto"),
            ("baton-engine", "sled"),
            ("baton-proto", "baton-domain"),
            ("batond", "sled"),
            ("batond", "baton"),
            ("baton", "baton-e2e"),
        ];
        for (name, need) in wrong {
            assert_eq!(with(name, need).len(), 1, "{name} -> {need}");
        }
        assert_eq!(with("baton-ledger", "sled"), Vec::<String>::new(), "the ledger is where sled belongs");
    }

    #[test]
    fn package_nobody_thought_of_is_found() {
        let mut packages = here();
        packages.push(Package { name: "baton-board".to_owned(), needs: Vec::new() });
        assert_eq!(violations(&packages).len(), 1);
    }
}
