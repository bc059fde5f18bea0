//! What do a tenant's customers see, who come by a link? Pages on which they manage endpoints of their own, and see what became of what was
//! sent there.
//!
//! All of it is pure: [`PortalLink`] says what a link opens, [`Wishes`] what a form asks for, and the pages are texts made of values. Nothing
//! that somebody wrote gets into a page but through [`html::Html::text`], which escapes it. Who may see what, `service::portal` decides.

mod choice;
mod delivery;
mod endpoint;
mod form;
mod frame;
mod html;
mod link;
mod list;
mod notice;
mod secret;
mod sent;
#[cfg(test)]
mod tests;
mod token;
mod wish;
mod words;

pub use choice::{Choice, Offer};
pub use delivery::{Content, DeliveryLine, DeliverySight, DeliveryState, Retry, Try, page as delivery_page};
pub use endpoint::{EndpointSight, confirm as confirm_page, page as endpoint_page};
pub use form::{FormState, page as form_page};
pub use frame::{Frame, policy};
pub use link::{NewPortalLink, PORTAL_LINKS_MAX, PortalLink};
pub use list::page as list_page;
pub use notice::{Done, closed as closed_page, left as left_page, refused as refused_page};
pub use secret::{Shown, page as secret_page};
pub use sent::Sent;
pub use token::PortalToken;
pub use wish::{OVERLAPS, Wishes};

/// Where the pages are.
pub const HOME: &str = "/portal/webhooks";
/// How many endpoints a customer can have who makes them here.
pub const CUSTOMER_ENDPOINTS_MAX: i64 = 20;
