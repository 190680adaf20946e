use utoipa::{
    OpenApi as _,
    openapi::{
        ContentBuilder, OpenApi, PathItem, Ref, RefOr, ResponseBuilder,
        path::Operation,
        security::{ApiKey, ApiKeyValue, SecurityRequirement, SecurityScheme},
    },
};

use super::problem::Problem;

/// The document without its paths.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(title = "hst-rtc, the business gateway", description = "What backends may ask of the platform. See docs/rest.md."),
    components(schemas(Problem)),
    tags(
        (name = "Access", description = "How a backend gets in."),
        (name = "Platform", description = "As the platform has it: every answer has the status 200, and `code` says what came of it."),
        (name = "Apps", description = "A developer's own Apps."),
        (name = "Groups", description = "Rooms, and who is in them."),
        (name = "Users", description = "Who is online, and who may come in."),
        (name = "Nodes", description = "The servers that the platform runs on."),
        (name = "Messages", description = "In the name of the application."),
    )
)]
struct Frame;

/// Describes these routes.
pub(super) fn document(routes: OpenApi) -> OpenApi {
    let mut document = Frame::openapi().merge_from(routes);
    let scheme = ApiKeyValue::with_description(
        "Authorization",
        "The access token, without a scheme in front; for `/access/token` itself `<Developer ID>.<token>`.",
    );
    let components = document.components.get_or_insert_default();
    components.add_security_scheme(SCHEME, SecurityScheme::ApiKey(ApiKey::Header(scheme)));
    for item in document.paths.paths.values_mut() {
        operations(item).for_each(complete);
    }
    document
}

const SCHEME: &str = "authorization";

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem {
        get,
        post,
        patch,
        delete,
        ..
    } = item;
    [get, post, patch, delete].into_iter().flatten()
}

/// What is the same for all: each wants credentials, and each ends in a success or a problem.
fn complete(operation: &mut Operation) {
    operation.security = Some(vec![SecurityRequirement::new(SCHEME, [""; 0])]);
    for response in operation.responses.responses.values_mut() {
        if let RefOr::T(success) = response {
            success.description = "It was done.".to_owned();
        }
    }
    let problem = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("Problem")))
        .build();
    let refusal = ResponseBuilder::new()
        .description("It was refused.")
        .content("application/json", problem)
        .build();
    operation
        .responses
        .responses
        .insert("default".to_owned(), RefOr::T(refusal));
}
