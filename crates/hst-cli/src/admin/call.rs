use hst_auth::AppId;
use reqwest::Method;
use serde_json::Value;

/// One question to the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: Vec<(&'static str, String)>,
    pub(super) body: Option<Value>,
    /// The field of the answer whose entries come in pages.
    pub(super) list: Option<&'static str>,
}

impl Call {
    pub(super) fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    pub(super) fn post(path: impl Into<String>, body: Value) -> Self {
        Self::new(Method::POST, path).with(body)
    }

    pub(super) fn patch(path: impl Into<String>, body: Value) -> Self {
        Self::new(Method::PATCH, path).with(body)
    }

    pub(super) fn delete(path: impl Into<String>) -> Self {
        Self::new(Method::DELETE, path)
    }

    /// All pages of a list are wanted.
    pub(super) fn listing(self, list: &'static str) -> Self {
        let list = Some(list);
        Self { list, ..self }
    }

    pub(super) fn query(mut self, name: &'static str, value: impl ToString) -> Self {
        self.query.push((name, value.to_string()));
        self
    }

    fn with(self, body: Value) -> Self {
        let body = Some(body);
        Self { body, ..self }
    }

    fn new(method: Method, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            query: Vec::new(),
            body: None,
            list: None,
        }
    }
}

/// Where an App is.
pub(super) fn app_path(app: &AppId) -> String {
    format!("/v1/apps/{app}")
}
