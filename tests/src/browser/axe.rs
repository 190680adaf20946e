//! A page held against the rules of accessibility, by axe-core.

use std::fs;

use crate::browser::Page;

/// Gives the violations that keep somebody out, each with the elements that break the rule.
const RUN: &str = "
    const { violations } = await axe.run(document, { resultTypes: ['violations'] });
    return violations
        .filter(({ impact }) => impact === 'serious' || impact === 'critical')
        .map(({ id, help, nodes }) => `${id} (${help}): ${nodes.map(({ html }) => html).join(' ')}`)
        .join('\\n')";

impl Page {
    /// Asserts that nothing on the page as it stands keeps anybody out: no serious and no critical violation.
    ///
    /// # Panics
    /// When there is one, and when `cargo xtask test` has not brought axe-core.
    pub async fn assert_accessible(&self, what: &str) {
        if self.run("return !!window.axe", Vec::new()).await == false {
            self.run(&axe(), Vec::new()).await;
        }
        // What is still appearing has not the colours yet that it will have.
        self.wait_until("document.getAnimations().every(({ effect }) => effect.getTiming().iterations === Infinity)")
            .await;
        let violations = self.run(RUN, Vec::new()).await;
        assert_eq!(violations, "", "{what} keeps somebody out");
    }
}

/// The script, from where `cargo xtask test` puts it.
fn axe() -> String {
    let program = std::env::current_exe().expect("a test is a program");
    let target = program
        .ancestors()
        .nth(3)
        .expect("tests are built into a target folder");
    let path = target.join("tools/axe/node_modules/axe-core/axe.min.js");
    fs::read_to_string(path).expect("axe-core is there: `cargo xtask test` gets it")
}
