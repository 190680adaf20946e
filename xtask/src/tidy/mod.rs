//! `cargo xtask tidy`: the rules of the house that no compiler holds.

mod engine;
mod faces;
mod lines;
mod messages;
mod pages;

use std::{fs, path::Path};

use crate::{
    Result,
    fault::{Fault, report},
    tree::Tree,
};

/// Each looks at the whole project and says what is wrong.
const RULES: &[fn(&Tree) -> Vec<Fault>] = &[
    faces::every_crate_has_the_same_face,
    faces::error_enums_live_in_error_rs,
    faces::errors_have_no_catch_all,
    lines::check,
    lines::no_file_is_too_long,
    engine::its_pages_know_all_of_it,
    messages::the_protocol_page_knows_the_messages,
    pages::links_lead_somewhere,
    pages::pages_in_two_languages_are_twins,
    pages::every_crate_is_on_the_map,
];

/// Holds every file against every rule.
pub(crate) fn run(root: &Path) -> Result {
    report("tidy", &check(&Tree::read(root)?))
}

fn check(tree: &Tree) -> Vec<Fault> {
    RULES.iter().flat_map(|rule| rule(tree)).collect()
}

/// Signs the protocol page: its text fits the messages as they are now.
pub(crate) fn bless(root: &Path) -> Result {
    let tree = Tree::read(root)?;
    let page = messages::signed(&tree)?;
    fs::write(root.join(messages::PAGE), page)?;
    println!("tidy: {} is signed", messages::PAGE);
    Ok(())
}
