//! Where features list their handlers: to serve them, or to describe them in the OpenAPI document.
//!
//! Owns this list, which serves both uses: a server must not build the document at each start, and the
//! document needs no server. It must not know what a handler does.

use actix_web::dev::HttpServiceFactory;
use actix_web::web;
use utoipa::openapi::OpenApi;
use utoipa_actix_web::OpenApiFactory;

/// What to do with the handlers that a feature lists.
pub enum ServiceConfig<'s> {
    /// Serve them.
    Serve(&'s mut web::ServiceConfig),
    /// Describe them.
    Describe(&'s mut OpenApi),
}

impl ServiceConfig<'_> {
    /// Adds a handler.
    pub fn service<F>(&mut self, handler: F) -> &mut Self
    where
        F: HttpServiceFactory + OpenApiFactory + 'static,
    {
        match self {
            Self::Serve(config) => {
                config.service(handler);
            }
            Self::Describe(document) => {
                let mut schemas = Vec::new();
                handler.schemas(&mut schemas);
                document.paths.merge(handler.paths());
                let components = document.components.get_or_insert_default();
                components.schemas.extend(schemas);
            }
        }
        self
    }
}
