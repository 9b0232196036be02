//! What the pages about cost say: each sum between backticks is reckoned again, each line that waits is that of `idle-cost.sh`, and each
//! price is that of `deploy/prices`.

use std::collections::BTreeMap;
use std::process::Command;

use crate::prices::{defaults, prices};
use crate::templates::deploy;

fn page(name: &str) -> String {
    std::fs::read_to_string(deploy().join("../docs/guide").join(name)).unwrap()
}

/// What stands between backticks and has an equals sign between numbers.
fn sums(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let quoted = text.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
    quoted.filter_map(|one| one.split_once(" = ")).filter(|(sum, _)| sum.contains(['×', '÷', '+', '-']))
}

/// A sum of products, with brackets.
fn reckoned(words: &mut std::iter::Peekable<std::vec::IntoIter<String>>) -> f64 {
    let mut sum = product(words);
    while let Some(sign) = words.next_if(|word| word == "+" || word == "-") {
        let more = product(words);
        sum += if sign == "+" { more } else { -more };
    }
    sum
}

fn product(words: &mut std::iter::Peekable<std::vec::IntoIter<String>>) -> f64 {
    let mut result = factor(words);
    while let Some(sign) = words.next_if(|word| word == "×" || word == "÷") {
        let more = factor(words);
        result = if sign == "×" { result * more } else { result / more };
    }
    result
}

fn factor(words: &mut std::iter::Peekable<std::vec::IntoIter<String>>) -> f64 {
    let word = words.next().unwrap();
    if word != "(" {
        return word.parse().unwrap_or_else(|_| panic!("expected a number, found {word}"));
    }
    let inner = reckoned(words);
    assert_eq!(words.next().as_deref(), Some(")"));
    inner
}

#[test]
fn every_sum_of_the_pages_about_cost_is_right() {
    for (name, least) in [("cost-controls.md", 25), ("cross-region.md", 3)] {
        let text = page(name);
        let mut counted = 0;
        for (sum, said) in sums(&text) {
            let spaced = sum.replace('(', "( ").replace(')', " )");
            let words: Vec<String> = spaced.split_whitespace().map(str::to_owned).collect();
            let mut words = words.into_iter().peekable();
            let result = reckoned(&mut words);
            assert_eq!(words.next(), None, "{name}: {sum}");
            // As many decimals as the page gives.
            let decimals = said.split_once('.').map_or(0, |(_, after)| after.len());
            assert_eq!(format!("{result:.decimals$}"), said, "{name}: {sum}");
            counted += 1;
        }
        assert!(counted >= least, "{name}: {counted} sums");
    }
}

#[test]
fn the_page_has_each_line_that_waits_with_its_cost() {
    let output = Command::new(deploy().join("idle-cost.sh")).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let lines: BTreeMap<String, String> = printed
        .lines()
        .filter_map(|line| line.trim_start().split_once("  "))
        .filter_map(|(cost, rest)| Some((rest.rsplit_once(" (")?.0.to_owned(), cost.to_owned())))
        .collect();
    assert!(lines.len() > 10, "{printed}");
    let text = page("cost-controls.md");
    let table = text.split("| line |").nth(1).unwrap().split("\n\n").next().unwrap();
    let rows: BTreeMap<String, String> = table
        .lines()
        .filter_map(|row| {
            let mut cells = row.trim_start_matches("| ").split(" | ");
            let (name, sum) = (cells.next()?, cells.next()?);
            Some((name.to_owned(), sum.trim_matches('`').rsplit_once(" = ")?.1.to_owned()))
        })
        .collect();
    assert_eq!(rows, lines);
    let total = printed.lines().last().unwrap().split_whitespace().next().unwrap();
    assert!(text.contains(&format!("Together {total}.")), "{total}");
    for name in text.split('`').skip(1).step_by(2).filter_map(|word| word.split('=').next()) {
        let parameter = name.starts_with(char::is_uppercase) && name.chars().all(char::is_alphanumeric);
        let other = ["OnlyWhoMovesItReadsIt"].contains(&name);
        assert!(!parameter || other || defaults().contains_key(name), "{name} is no parameter of the stack");
    }
}

#[test]
fn prices_that_the_pages_name_are_those_of_the_list() {
    let prices = prices();
    let mut found = 0;
    for name in ["cost-controls.md", "cross-region.md"] {
        let text = page(name);
        // A price stands before its name in brackets, in the next cell of a table, or right behind it.
        for (at, key) in
            text.match_indices("(`").map(|(at, _)| (at, text[at + 2..].split('`').next().unwrap()))
        {
            let Some(price) = prices.price.get(key) else { continue };
            let line_end = text[at..].find('\n').map_or(text.len(), |end| at + end);
            let line_start = text[..at].rfind('\n').map_or(0, |start| start + 1);
            let numbers: Vec<f64> = text[line_start..line_end]
                .split(|c: char| !c.is_ascii_digit() && c != '.')
                .filter_map(|number| number.parse().ok())
                .collect();
            assert!(
                numbers.contains(&price.usd),
                "{name}: {key} costs {}: {}",
                price.usd,
                &text[line_start..line_end]
            );
            found += 1;
        }
    }
    assert!(found > 15, "{found}");
}
