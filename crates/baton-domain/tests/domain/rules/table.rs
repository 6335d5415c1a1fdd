//! The table of rules and their owners names every rule once.

#[test]
fn every_rule_has_a_line_in_the_table_of_owners() {
    let table = include_str!("../../../RULES.md");
    for number in 1..=50 {
        let lines: Vec<_> = table.lines().filter(|line| line.starts_with(&format!("| I{number:02} |"))).collect();
        assert_eq!(lines.len(), 1, "I{number:02} has one line, not {}", lines.len());
        assert_eq!(lines[0].matches('|').count(), 5, "I{number:02} has rule, kind, owner and note: {}", lines[0]);
    }
}

#[test]
fn every_owner_the_table_names_is_a_file() {
    let table = include_str!("../../../RULES.md");
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    for line in table.lines().filter(|line| line.starts_with("| I")) {
        for name in line.split('`').skip(1).step_by(2).filter(|name| name.ends_with(".rs") || name.ends_with(".toml")) {
            assert!(root.join(name).exists(), "{name} in {line}");
        }
    }
}
