//! The rules of three-tier grid supervision, pure: no I/O, no clock, no SQL, no HTTP, no
//! environment. Everything here is data and functions of data.

pub mod audit;
pub mod calendar;
pub mod category;
pub mod coded_value;
pub mod credit_code;
pub mod division;
pub mod error;
pub mod geo;
pub mod grid;
pub mod grid_management;
pub mod notice;
pub mod officer;
pub mod password;
pub mod photo;
pub mod report;
pub mod scope;
pub mod service;
pub mod settings;
pub mod team;
pub mod validation;
