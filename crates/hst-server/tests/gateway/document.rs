//! The document that describes the gateway.

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::Value;

use crate::{
    house::House,
    http::{request, stranger},
};

/// Every method and path of it.
pub(crate) fn paths(document: &Value) -> BTreeSet<(String, String)> {
    let items = document["paths"].as_object().unwrap().iter();
    items
        .flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().keys();
            methods.map(|method| (method.to_uppercase(), path.clone()))
        })
        .collect()
}

#[tokio::test]
async fn the_page_in_docs_is_what_the_server_says_of_itself() {
    let house = House::open().await;
    let answer = request(stranger(), house.http(), "GET /v1/openapi.json", None, "").await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    if std::env::var_os("BLESS").is_some() {
        fs::write(&page, &answer.body).unwrap();
    }
    let written = fs::read_to_string(&page).unwrap_or_default();
    assert!(
        written == answer.body,
        "docs/openapi.json is not what the code says: BLESS=1 cargo test --test gateway docs writes it anew"
    );
}

#[tokio::test]
async fn the_document_names_every_operation_once_and_says_what_it_answers() {
    let house = House::open().await;
    let answer = request(stranger(), house.http(), "GET /v1/openapi.json", None, "").await;
    let document = answer.json();
    let mut names = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let name = operation["operationId"].as_str().unwrap();
            assert!(names.insert(name.to_owned()), "{name} twice");
            assert!(!operation["summary"].as_str().unwrap().is_empty());
            assert!(operation["security"][0]["authorization"].is_array(), "{method} {path}");
            for status in ["200", "default"] {
                let response = &operation["responses"][status];
                assert!(!response["description"].as_str().unwrap().is_empty(), "{method} {path}");
                assert!(response["content"]["application/json"]["schema"].is_object());
            }
        }
    }
    // All that it refers to is there.
    for reference in answer.body.split("\"#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(document["components"]["schemas"][name].is_object(), "{name}");
    }
}

#[tokio::test]
async fn the_page_for_people_has_every_call() {
    let house = House::open().await;
    let document = request(stranger(), house.http(), "GET /v1/openapi.json", None, "")
        .await
        .json();
    let page = include_str!("../../../../docs/rest.md");
    for (method, path) in paths(&document) {
        assert!(page.contains(&format!("`{method} {path}`")), "{method} {path}");
    }
}
