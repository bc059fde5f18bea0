//! Does Signalbox keep its word, seen from outside? Each module mirrors a part of the URLs; a story runs through several.
//!
//! Everything goes over HTTP to the built components in the built host. Tests share one running program where they do not disturb
//! each other (each works with names of its own), and start one of their own where they kill it or move its clock.

mod access;
mod audit;
mod auth;
mod authenticator;
mod authoring;
mod bad_input;
mod callers;
mod chromium;
mod cloud_events;
mod conditional;
mod crash;
mod deliveries;
mod events;
mod expect;
mod foresight;
mod idempotency;
mod invitations;
mod keys;
mod letters;
mod limits;
mod lists;
mod oauth;
mod operation;
mod operation_list;
mod order;
mod organizations;
mod passwords;
mod people;
mod platform;
mod portal;
mod privacy;
mod record_files;
mod record_types;
mod records;
mod replays;
mod routes;
mod rules;
mod schedules;
mod sessions;
mod sign_on;
mod sources;
mod stage;
mod story;
mod tasks;
mod tenants;
mod tokens;
mod triggers;
mod two_factor;
mod vectors;
mod webhook_counterparts;
mod webhook_trouble;
mod webhooks;
