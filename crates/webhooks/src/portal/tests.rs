//! Is every page what a page must be: whole, reachable by keyboard and screen reader, and free of what nobody may put or see there?

use super::*;
use crate::{Answered, Health, service::Seen};
use kernel::{FieldFault, JobId, Kind, Span};
use proptest::prelude::*;
use stage::{NOW, endpoint, link, offer, token};

pub(super) mod stage {
    use super::super::*;
    use crate::{Auth, Endpoint, Policy, Signature};
    use kernel::{Chance, Instant, Span};
    use serde_json::json;

    pub(crate) const NOW: Instant = Instant::from_millis(1_700_000_000_000);

    struct Fixed;
    impl Chance for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(7);
        }
    }

    pub(crate) fn link() -> PortalLink {
        PortalLink {
            id: "ptl_01hf7yat00zzzzzzzzzzzzzzzz".parse().unwrap(),
            customer: "cus_42".to_owned(),
            event_types: vec!["sales.*".parse().unwrap()],
            filter: Some(json!([{"type": "equals", "field": "customer_id", "value": "filtered-42"}])),
            return_url: Some("https://app.example.com/settings?a=b&c=d".to_owned()),
            created_by: "key_01hf7yat00zzzzzzzzzzzzzzzz".to_owned(),
            created_at: NOW,
            expires_at: NOW + Span::hours(1),
        }
    }

    pub(crate) fn token() -> PortalToken {
        PortalToken::new(&"acme-corp".parse().unwrap(), &link().id, &Fixed)
    }

    pub(crate) fn offer() -> Offer {
        let choice = |module: &str, name: &str, description: &str| Choice {
            module: module.to_owned(),
            kind: format!("{module}.{name}"),
            description: description.to_owned(),
        };
        let all = [
            choice("sales", "deal_closed_lost", "A deal was lost."),
            choice("sales", "deal_closed_won", "A deal was won."),
            choice("sales", "opportunity_created", "An opportunity was made."),
            choice("sales", "opportunity_stage_changed", "An opportunity came to another stage."),
        ];
        Offer::new(&link(), all)
    }

    pub(crate) fn endpoint(kinds: &[&str]) -> Endpoint {
        Endpoint {
            id: "end_01hf7yat00zzzzzzzzzzzzzzzz".parse().unwrap(),
            url: "https://example.com/webhooks/orders".to_owned(),
            description: Some("Orders, test shop".to_owned()),
            customer: Some("cus_42".to_owned()),
            event_types: kinds.iter().map(|kind| kind.parse().unwrap()).collect(),
            filter: None,
            body: None,
            headers: [("x-inside".to_owned(), "header-value".to_owned())].into(),
            auth: Auth::None,
            signature: Signature::V1,
            tags: vec!["inside-tag".to_owned()],
            metadata: [("inside".to_owned(), "metadata-value".to_owned())].into(),
            policy: Policy::default(),
            disabled: None,
            version: 3,
            created_at: NOW,
            updated_at: NOW,
        }
    }
}

fn seen(endpoint: crate::Endpoint, health: Health) -> Seen {
    Seen { endpoint, health, public_key: None, overlaps_until: Some(NOW + Span::hours(20)) }
}

fn line(state: DeliveryState, status: Option<u16>) -> DeliveryLine {
    DeliveryLine {
        id: "job_01hf7yat00zzzzzzzzzzzzzzzz".parse::<JobId>().unwrap(),
        kind: Some("sales.deal_closed_won".to_owned()),
        state,
        created: NOW,
        attempts: 2,
        status,
    }
}

fn sight(body: &str) -> DeliverySight {
    let answered = |status, body: &str| Answered {
        status,
        content_type: Some("text/html; charset=utf-8".to_owned()),
        body: body.to_owned(),
        is_cut: true,
    };
    let attempt = |number, reached: Option<Option<&str>>, answer| Try {
        number,
        started: NOW,
        duration: Span::millis(1_234),
        reached: reached.map(|word| word.map(str::to_owned)),
        is_lost: number == 4,
        answer,
    };
    DeliverySight {
        line: line(DeliveryState::Waiting(Some(NOW + Span::minutes(5))), Some(503)),
        endpoint: (endpoint(&[]).id, "https://example.com/webhooks/orders".to_owned()),
        content: Content::Body(body.to_owned()),
        attempts: vec![
            attempt(1, Some(Some("http_503")), Some(answered(503, "<h1>Service unavailable</h1>"))),
            attempt(2, Some(Some("timeout")), None),
            attempt(3, None, None),
            attempt(4, None, None),
        ],
        retry: Retry::Open,
    }
}

/// Every page there is, with `text` wherever somebody can have put one.
fn pages(text: &str) -> Vec<(&'static str, String)> {
    let (mut link, token, offer) = (link(), token(), offer());
    if !text.is_empty() {
        link.customer = text.to_owned();
    }
    let tenant = if text.is_empty() { "Acme Corp" } else { text };
    let frame = Frame { tenant, link: &link, token: &token, now: NOW };
    let mut one = endpoint(&[
        "sales.deal_closed_lost",
        "sales.deal_closed_won",
        "sales.opportunity_created",
        "sales.x",
    ]);
    if !text.is_empty() {
        (one.url, one.description) = (text.to_owned(), Some(text.to_owned()));
    }
    let failing = Health { failing_since: Some(NOW - Span::days(1)), ..Health::default() };
    let well = Health { last_success: Some(NOW), ..Health::default() };
    let mut off = endpoint(&["*"]);
    off.id = "end_01hf7yat01zzzzzzzzzzzzzzzz".parse().unwrap();
    off.url = "https://example.org/in".to_owned();
    off.disabled = Some(crate::Disabled { at: NOW, reason: crate::Reason::Gone });
    let both = [seen(one.clone(), failing), seen(off.clone(), well.clone())];
    let wishes = Wishes { url: one.url.clone(), ..Wishes::of(&one, &offer) };
    let faults = [
        FieldFault::new("url", format!("is wrong {text}")),
        FieldFault::new("event_types[3]", text),
        FieldFault::new("filter", "hush"),
    ];
    let wrong = FormState { endpoint: None, faults: &faults };
    let mut rows: Vec<DeliveryLine> = [
        (DeliveryState::Waiting(None), None),
        (DeliveryState::UnderWay, None),
        (DeliveryState::Arrived, Some(204)),
        (DeliveryState::Failed, Some(404)),
        (DeliveryState::Cancelled, None),
    ]
    .map(|(state, status)| line(state, status))
    .into();
    if !text.is_empty() {
        rows[0].kind = Some(text.to_owned());
    }
    let mut delivery = sight(if text.is_empty() {
        "{\"type\":\"sales.deal_closed_won\",\"timestamp\":\"2023-11-14T22:13:20.000Z\",\"data\":{\"opportunity_id\":\"o-1\"}}"
    } else {
        text
    });
    if !text.is_empty() {
        delivery.attempts[0].answer.as_mut().unwrap().body = text.to_owned();
        delivery.attempts[0].answer.as_mut().unwrap().content_type = Some(text.to_owned());
        delivery.line.kind = Some(text.to_owned());
        delivery.endpoint.1 = text.to_owned();
    }
    let sight = |seen, next| EndpointSight {
        seen,
        offer: &offer,
        deliveries: &rows,
        is_latest: true,
        next,
        done: Some(Done::Changed),
    };
    let key: crate::SigningKey = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".parse().unwrap();
    let shown = |is_replaced| Shown { endpoint: &one, key: &key, is_replaced, overlaps_until: Some(NOW) };
    vec![
        ("empty", list_page(&frame, &[], None, Some(Done::Deleted))),
        ("list", list_page(&frame, &both, Some("end_01hf7yat00zzzzzzzzzzzzzzzz"), None)),
        ("new", form_page(&frame, &offer, &Wishes::blank(), &FormState::default())),
        ("wrong", form_page(&frame, &offer, &wishes, &wrong)),
        ("change", form_page(&frame, &offer, &wishes, &FormState::of(&one))),
        ("endpoint", endpoint_page(&frame, &sight(&both[0], Some("job_01hf7yat00zzzzzzzzzzzzzzzz")))),
        ("off", endpoint_page(&frame, &sight(&both[1], None))),
        ("made", secret_page(&frame, &shown(false))),
        ("replaced", secret_page(&frame, &shown(true))),
        ("delete", confirm_page(&frame, &one)),
        ("delivery", delivery_page(&frame, &delivery, Some(Done::Tested))),
        ("missing", refused_page(Some(&frame), Kind::NotFound, text, "req_1")),
        ("refused", refused_page(Some(&frame), Kind::Conflict, text, "req_1")),
        ("broken", refused_page(Some(&frame), Kind::Internal, text, "req_1")),
        ("many", refused_page(None, Kind::TooMany, text, "req_1")),
        ("closed", closed_page()),
        ("left", left_page()),
    ]
}

/// The values of an attribute, with the tags that they stand in.
fn attributes<'a>(page: &'a str, name: &str) -> Vec<&'a str> {
    let begin = format!(" {name}=\"");
    page.match_indices(&begin)
        .filter_map(|(place, found)| page[place + found.len()..].split('"').next())
        .collect()
}

#[test]
fn every_page_has_what_a_screen_reader_goes_by() {
    for (name, page) in pages("") {
        assert!(page.starts_with("<!doctype html>\n<html lang=\"en\">"), "{name}");
        for (part, times) in
            [("<h1", 1), ("<main id=\"main\"", 1), ("class=\"skip\" href=\"#main\"", 1), ("<title>", 1)]
        {
            assert_eq!(page.matches(part).count(), times, "{name}: {part}");
        }
        let ids = attributes(&page, "id");
        let mut once = ids.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), ids.len(), "{name}: an id stands there twice");
        let referred =
            ["for", "aria-describedby", "aria-labelledby"].map(|attribute| attributes(&page, attribute));
        for id in referred.iter().flatten().flat_map(|ids| ids.split(' ')) {
            assert!(ids.contains(&id), "{name}: {id} is nowhere");
        }
        for id in attributes(&page, "href").iter().filter_map(|place| place.strip_prefix('#')) {
            assert!(ids.contains(&id), "{name}: #{id} is nowhere");
        }
        let labelled = attributes(&page, "for");
        let fields = page.split("<input").skip(1).chain(page.split("<select").skip(1));
        for field in fields.filter(|field| !field.starts_with(" type=\"hidden\"")) {
            let id = attributes(field, "id")[0];
            assert!(labelled.contains(&id), "{name}: {id} has no label");
        }
        for table in page.split("<table").skip(1) {
            assert!(
                table.contains("<caption>")
                    && table.contains("scope=\"col\"")
                    && table.contains("scope=\"row\"")
            );
        }
        assert!(!page.contains("<script") && !page.contains("javascript:"), "{name}");
        for tag in page.split('<').filter_map(|tag| tag.split('>').next()) {
            assert!(!tag.contains(" style=") && !tag.contains(" on"), "{name}: {tag}");
        }
    }
}

#[test]
fn every_form_says_by_which_page_it_was_made() {
    let own = token().form_token();
    for (name, page) in pages("") {
        for form in page.split("<form").skip(1) {
            let field = format!("<input type=\"hidden\" name=\"form_token\" value=\"{}\">", own.expose());
            assert!(
                form.starts_with(" method=\"post\" action=\"/portal/webhooks/") && form.contains(&field),
                "{name}"
            );
        }
    }
}

#[test]
fn nothing_of_the_tenants_inside_is_in_any_page() {
    let token = token();
    for (name, page) in pages("") {
        for inside in [
            "filtered-42",
            "x-inside",
            "header-value",
            "inside-tag",
            "metadata-value",
            "hush",
            "operator",
            token.text().expose(),
        ] {
            assert!(!page.contains(inside), "{name} shows {inside}");
        }
        assert_eq!(page.contains("whsec_MfKQ"), ["made", "replaced"].contains(&name), "{name}");
    }
}

#[test]
fn the_policy_allows_the_style_and_nothing_else() {
    assert!(policy().starts_with("default-src 'none'; style-src 'sha256-"));
    assert!(policy().ends_with("base-uri 'none'; form-action 'self'; frame-ancestors 'none'"));
}

#[test]
fn what_is_wrong_stands_at_the_top_and_at_its_field() {
    let page = pages("").into_iter().find(|(name, _)| *name == "wrong").unwrap().1;
    let (summary, rest) = page.split_once("<h1>").unwrap();
    assert!(summary.contains("role=\"alert\"") && summary.contains("<a href=\"#url\">The address is wrong"));
    assert!(rest.contains("aria-describedby=\"url-hint url-fault\" aria-invalid=\"true\""));
    assert!(page.contains("<title>Error: "));
    assert!(summary.contains("cannot be changed here"));
}

#[test]
fn what_was_done_is_of_a_list() {
    assert_eq!(Done::read("tested"), Some(Done::Tested));
    assert_eq!(Done::read("<b>"), None);
}

/// Writes every page where the variable says, to look at them.
#[test]
fn pages_can_be_looked_at() {
    if let Ok(folder) = std::env::var("SIGNALBOX_PORTAL_PAGES") {
        for (name, page) in pages("") {
            std::fs::write(format!("{folder}/{name}.html"), page).unwrap();
        }
    }
}

/// The markup of a page: its tags without the texts between and within them.
fn skeleton(page: &str) -> Vec<String> {
    page.split('<').skip(1).map(|tag| tag.split(['>', ' ']).next().unwrap_or_default().to_owned()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn whatever_is_written_anywhere_it_changes_no_markup(text in "[<>\"'&/a-z =!-]{1,40}|\\PC{1,40}") {
        let plain = pages("x");
        for ((name, page), (_, wanted)) in pages(&text).into_iter().zip(plain) {
            prop_assert_eq!(skeleton(&page), skeleton(&wanted), "{}", name);
        }
    }
}
