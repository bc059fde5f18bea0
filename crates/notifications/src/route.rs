//! By which channels does a message leave?

use crate::{ChannelKind, IN_APP, NotificationError};
use kernel::ChannelId;

/// What of a channel tells whether a message leaves by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) id: ChannelId,
    pub(crate) name: String,
    pub(crate) kind: ChannelKind,
    pub(crate) is_active: bool,
    pub(crate) is_default: bool,
}

/// The channels that a message leaves by: the one that it asks for by name or id (`in_app`: none), or all that are
/// active and default.
///
/// # Errors
/// [`NotificationError::RouteUnknown`] and [`NotificationError::RouteInactive`] for the one that it asks for.
pub(crate) fn ways<'a>(
    routes: &'a [Route],
    wanted: Option<&str>,
) -> Result<Vec<&'a Route>, NotificationError> {
    let Some(wanted) = wanted.map(str::trim) else {
        return Ok(routes.iter().filter(|route| route.is_active && route.is_default).collect());
    };
    if wanted.eq_ignore_ascii_case(IN_APP) {
        return Ok(Vec::new());
    }
    let route = routes
        .iter()
        .find(|route| route.id.as_str() == wanted || route.name.eq_ignore_ascii_case(wanted))
        .ok_or_else(|| NotificationError::RouteUnknown(wanted.to_owned()))?;
    if route.is_active { Ok(vec![route]) } else { Err(NotificationError::RouteInactive(route.name.clone())) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::Fault as _;

    fn route(place: u8, name: &str, is_active: bool, is_default: bool) -> Route {
        Route {
            id: format!("chn_01hf7yat00zzzzzzzzzzzzzzz{place}").parse().unwrap(),
            name: name.to_owned(),
            kind: ChannelKind::Slack,
            is_active,
            is_default,
        }
    }

    #[track_caller]
    fn check(wanted: Option<&str>, expected: Result<&[&str], &str>) {
        let routes = [
            route(1, "Ops", true, true),
            route(2, "Sales", true, false),
            route(3, "Old", false, true),
            route(4, "Night", true, true),
        ];
        let got = ways(&routes, wanted)
            .map(|ways| ways.iter().map(|way| way.name.as_str()).collect::<Vec<_>>())
            .map_err(|error| error.code());
        assert_eq!(got, expected.map(<[&str]>::to_vec));
    }

    #[test]
    fn which_ways_a_message_takes() {
        check(None, Ok(&["Ops", "Night"]));
        check(Some("sales "), Ok(&["Sales"]));
        check(Some("chn_01hf7yat00zzzzzzzzzzzzzzz2"), Ok(&["Sales"]));
        check(Some("in_app"), Ok(&[]));
        check(Some("old"), Err("MESSAGE_CHANNEL_INACTIVE"));
        check(Some("chn_01hf7yat00zzzzzzzzzzzzzzz3"), Err("MESSAGE_CHANNEL_INACTIVE"));
        check(Some("nowhere"), Err("MESSAGE_CHANNEL_UNKNOWN"));
        check(Some(""), Err("MESSAGE_CHANNEL_UNKNOWN"));
    }
}
