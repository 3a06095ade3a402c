//! Where rooms name their handlers: to serve them, or to describe them in the OpenAPI document.
//!
//! A server must not build the document at each start, and the document needs no server. So one list
//! of handlers is read in either way.

use actix_web::dev::HttpServiceFactory;
use actix_web::web;
use utoipa::openapi::OpenApi;
use utoipa_actix_web::OpenApiFactory;

/// What becomes of the handlers that a room names.
pub enum ServiceConfig<'s> {
    /// They are served.
    Serve(&'s mut web::ServiceConfig),
    /// They are described.
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
