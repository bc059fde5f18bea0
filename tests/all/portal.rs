//! `/portal/webhooks`: a tenant's customer comes by a link, and manages endpoints of their own by plain pages and forms.

use crate::{
    expect,
    stage::{ORIGIN, SOON, Stage, data, fresh, get, id, job, post, text},
};
use serde_json::{Value, json};
use tests::{Answer, Client, Receiver, Reply};

const LINKS: &str = "/api/v1/webhooks/portal-links";
const HOME: &str = "/portal/webhooks";
const COOKIE: &str = "signalbox-portal";

/// A browser, as far as these pages need one: it keeps the cookie and reads forms.
struct Browser<'a> {
    client: &'a Client,
    cookie: String,
}

impl<'a> Browser<'a> {
    /// One that opened a link.
    fn open(client: &'a Client, link: &Value) -> Self {
        let url = text(link, "url");
        let place = url.find(HOME).unwrap();
        let answer = client.get(&url[place..]).unwrap();
        assert_eq!((answer.status, answer.header("location")), (303, Some(HOME)), "{}", answer.text());
        let cookie = answer.header("set-cookie").unwrap();
        assert!(cookie.starts_with(COOKIE) && cookie.contains("; HttpOnly; SameSite=Lax"), "{cookie}");
        Self { client, cookie: cookie.split(';').next().unwrap().to_owned() }
    }

    fn get(&self, path: &str) -> Answer {
        let answer = self.client.request("GET", path).header("Cookie", &self.cookie).send().unwrap();
        private(&answer);
        answer
    }

    fn page(&self, path: &str) -> String {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.text()
    }

    fn send(&self, path: &str, body: &str) -> Answer {
        let kind = "application/x-www-form-urlencoded";
        let request = self.client.request("POST", path).header("Cookie", &self.cookie);
        let answer = request.body(kind, body).send().unwrap();
        private(&answer);
        answer
    }

    /// Sends the form of a page that posts to `path`, with these values beside the hidden ones.
    fn post(&self, page: &str, path: &str, values: &str) -> Answer {
        let form = page.split("<form").find(|form| form.contains(&format!("action=\"{path}\"")));
        let form = form.unwrap_or_else(|| panic!("no form to {path}")).split("</form>").next().unwrap();
        let mut body = values.to_owned();
        for field in form.split("<input type=\"hidden\" ").skip(1) {
            let value =
                |name: &str| field.split(&format!("{name}=\"")).nth(1).unwrap().split('"').next().unwrap();
            body = format!("{body}&{}={}", value("name"), value("value"));
        }
        self.send(path, &body)
    }
}

/// What stands on every answer.
fn private(answer: &Answer) {
    for (name, value) in [
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
        ("x-robots-tag", "noindex, nofollow"),
        ("x-frame-options", "DENY"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{name}");
    }
    assert_eq!(answer.header("access-control-allow-origin"), None);
    let policy = answer.header("content-security-policy").unwrap();
    assert!(
        policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
        "{policy}"
    );
}

fn link(client: &Client, customer: &str) -> Value {
    let wish = json!({
        "customer": customer,
        "event_types": ["sales.*"],
        "filter": [{"type": "equals", "field": "opportunity_id", "value": "hidden-value"}],
        "return_url": "https://app.example.com/settings",
    });
    post(client, LINKS, &wish, 201)
}

/// The place that an answer leads to, without what it says was done.
fn place(answer: &Answer) -> String {
    assert_eq!(answer.status, 303, "{}", answer.text());
    answer.header("location").unwrap().split('?').next().unwrap().to_owned()
}

fn encoded(url: &str) -> String {
    url.replace(':', "%3A").replace('/', "%2F")
}

#[test]
fn a_customer_sets_an_endpoint_up_tries_it_changes_it_and_deletes_it() {
    let client = Stage::shared_client();
    let receiver = Receiver::start(Reply::Accept).unwrap();
    let customer = fresh("cus");
    let made = link(&client, &customer);
    assert_eq!((&made["customer"], made.get("filter")), (&json!(customer), None));
    let browser = Browser::open(&client, &made);
    let list = browser.page(HOME);
    assert!(list.contains("There is no endpoint yet") && list.contains(&customer));
    assert!(list.contains("https://app.example.com/settings"));

    let form = browser.page(&format!("{HOME}/new"));
    assert!(form.contains("sales.deal_closed_won") && !form.contains("crm."));
    let faulty = browser.post(&form, &format!("{HOME}/new"), "url=nowhere&which=some");
    assert_eq!(faulty.status, 400);
    assert!(faulty.text().contains("role=\"alert\"") && faulty.text().contains("href=\"#url\""));

    let to = encoded(&receiver.url("/hooks"));
    let values = format!("url={to}&description=Orders&which=some&type=sales.deal_closed_won");
    let shown = browser.post(&form, &format!("{HOME}/new"), &values);
    assert_eq!(shown.status, 200, "{}", shown.text());
    assert!(shown.text().contains("<code class=\"secret\">whsec_"), "{}", shown.text());
    let twice = browser.post(&form, &format!("{HOME}/new"), &values);
    assert!(twice.status == 400 && twice.text().contains("which is there already"));

    let known = get(&client, &format!("/api/v1/webhooks/endpoints?customer={customer}"));
    let known = &data(&known)[0];
    assert_eq!(known["filter"][0]["value"], "hidden-value");
    let endpoint = format!("{HOME}/endpoints/{}", id(known));
    let page = browser.page(&endpoint);
    assert!(page.contains("Nothing was sent there yet") && !page.contains("whsec_"));

    let tested = browser.post(&page, &format!("{endpoint}/test"), "type=sales.deal_closed_won");
    let delivery = place(&tested);
    receiver.accepted(1, SOON).expect("the test");
    job(&client, delivery.rsplit('/').next().unwrap(), "done");
    let page = browser.page(&delivery);
    assert!(
        page.contains("Your endpoint took it.")
            && page.contains("sales.deal_closed_won")
            && page.contains("Attempt 1")
    );
    let again = browser.post(&page, &format!("{delivery}/again"), "");
    assert_eq!(place(&again), delivery);
    receiver.accepted(2, SOON).expect("once more");

    let page = browser.page(&format!("{endpoint}/change"));
    let values = format!("url={to}&description=Other&which=all");
    assert_eq!(place(&browser.post(&page, &format!("{endpoint}/change"), &values)), endpoint);
    let stale = browser.post(&page, &format!("{endpoint}/change"), &values);
    assert!(stale.status == 412 && stale.text().contains("changed meanwhile"));
    let page = browser.page(&endpoint);
    assert_eq!(place(&browser.post(&page, &format!("{endpoint}/switch"), "")), endpoint);
    let page = browser.page(&endpoint);
    assert!(page.contains("It was switched off by hand") && page.contains("Switch on"));
    let turned = browser.post(&page, &format!("{endpoint}/secret"), "overlap=PT24H");
    assert!(turned.status == 200 && turned.text().contains("whsec_"), "{}", turned.text());

    let page = browser.page(&format!("{endpoint}/delete"));
    assert_eq!(place(&browser.post(&page, &format!("{endpoint}/delete"), "")), HOME);
    assert_eq!(browser.get(&endpoint).status, 404);
    assert_eq!(browser.get(&delivery).status, 404);
    let audit = get(&client, "/api/v1/admin/audit?limit=200");
    let acts: Vec<&str> =
        data(&audit).iter().filter(|row| row["actor"] == made["id"]).map(|row| text(row, "action")).collect();
    assert!(
        acts.contains(&"webhook_endpoint.created") && acts.contains(&"webhook_endpoint.deleted"),
        "{acts:?}"
    );
}

#[test]
fn nothing_of_the_token_or_the_filter_is_in_any_page() {
    let client = Stage::shared_client();
    let customer = fresh("cus");
    let made = link(&client, &customer);
    let token = text(&made, "url").split("token=").nth(1).unwrap().to_owned();
    let url = json!({"url": "https://example.com/in", "customer": customer, "headers": {"x-inside": "inside-value"}});
    let endpoint = id(&post(&client, "/api/v1/webhooks/endpoints", &url, 201));
    let browser = Browser::open(&client, &made);
    for path in [
        "",
        "/new",
        &format!("/endpoints/{endpoint}"),
        &format!("/endpoints/{endpoint}/change"),
        &format!("/endpoints/{endpoint}/delete"),
    ] {
        let page = browser.page(&format!("{HOME}{path}"));
        for hidden in [&token, "hidden-value", "inside-value", "<script"] {
            assert!(!page.contains(hidden), "{path} shows {hidden}");
        }
    }
    let listed = get(&client, &format!("{LINKS}?customer={customer}"));
    assert!(data(&listed).len() == 1 && !listed.to_string().contains(&token[token.len() - 64..]));
}

#[test]
fn others_endpoints_and_deliveries_are_not_there() {
    let client = Stage::shared_client();
    let other = json!({"url": "https://example.com/in", "customer": fresh("cus")});
    let theirs = id(&post(&client, "/api/v1/webhooks/endpoints", &other, 201));
    let job = id(&post(&client, &format!("/api/v1/webhooks/endpoints/{theirs}/test"), &json!({}), 202));
    let browser = Browser::open(&client, &link(&client, &fresh("cus")));
    let list = browser.page(HOME);
    let token = list.split("name=\"form_token\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let nobodys = format!("{}000000", &theirs[..theirs.len() - 6]);
    let mut pages = Vec::new();
    for endpoint in [&theirs, &nobodys] {
        for path in ["", "/change", "/delete"] {
            pages.push(browser.get(&format!("{HOME}/endpoints/{endpoint}{path}")));
        }
        for path in ["/change", "/switch", "/secret", "/test", "/delete"] {
            let body = format!(
                "form_token={token}&version=1&on=no&overlap=PT0S&which=all&url=https%3A%2F%2Fexample.com%2F"
            );
            pages.push(browser.send(&format!("{HOME}/endpoints/{endpoint}{path}"), &body));
        }
    }
    pages.push(browser.get(&format!("{HOME}/deliveries/{job}")));
    pages.push(browser.send(&format!("{HOME}/deliveries/{job}/again"), &format!("form_token={token}")));
    pages.push(browser.get(&format!("{HOME}/nothing/at/all")));
    for page in &pages {
        assert_eq!((page.status, page.text()), (404, pages[0].text()));
    }
    assert_eq!(get(&client, &format!("/api/v1/webhooks/endpoints/{theirs}"))["version"], 1);
}

#[test]
fn without_the_cookie_or_the_forms_token_nothing_is_shown_or_done() {
    let client = Stage::shared_client();
    let stranger = Stage::shared_stranger();
    let browser = Browser::open(&client, &link(&client, &fresh("cus")));
    // Neither a key, nor no credential, nor a cookie of nobody's opens a page.
    for (who, cookie) in
        [(&client, ""), (&stranger, ""), (&stranger, "signalbox-portal=x"), (&client, "__Host-signalbox=x")]
    {
        let answer = who.request("GET", HOME).header("Cookie", cookie).send().unwrap();
        private(&answer);
        assert_eq!(answer.status, 401);
        assert!(answer.text().contains("Ask for a new one"), "{}", answer.text());
    }
    let other = Browser::open(&client, &link(&client, &fresh("cus")));
    let foreign = other.page(HOME);
    let foreign = foreign.split("name=\"form_token\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let values = "url=https%3A%2F%2Fexample.com%2F&which=all";
    for token in ["", "&form_token=", "&form_token=x", &format!("&form_token={foreign}")] {
        let answer = browser.send(&format!("{HOME}/new"), &format!("{values}{token}"));
        assert_eq!(answer.status, 403, "{}", answer.text());
    }
    assert!(browser.page(HOME).contains("There is no endpoint yet"));
    // Another site can neither ask whether it may read the pages, nor read them.
    let preflight = stranger
        .request("OPTIONS", HOME)
        .header("Origin", ORIGIN)
        .header("Access-Control-Request-Method", "POST")
        .send()
        .unwrap();
    assert_eq!(preflight.header("access-control-allow-methods"), None);
    let read =
        stranger.request("GET", HOME).header("Origin", ORIGIN).header("Cookie", &browser.cookie).send();
    private(&read.unwrap());
}

#[test]
fn a_link_that_was_ended_or_left_is_over_at_once() {
    let client = Stage::shared_client();
    let made = link(&client, &fresh("cus"));
    let browser = Browser::open(&client, &made);
    let left = browser.post(&browser.page(HOME), &format!("{HOME}/leave"), "");
    assert_eq!(left.status, 200);
    assert!(left.header("set-cookie").unwrap().contains("Max-Age=0"));
    let path = format!("{LINKS}/{}", id(&made));
    assert_eq!(client.delete(&path).unwrap().status, 204);
    let over = browser.get(HOME);
    assert_eq!((over.status, over.text().contains("not valid any more")), (401, true));
    expect::problem(&client.delete(&path).unwrap(), 404, "NOT_FOUND");
    let url = text(&made, "url");
    assert_eq!(client.get(&url[url.find(HOME).unwrap()..]).unwrap().status, 401);
}

#[test]
fn faulty_links_are_refused_with_all_their_faults() {
    let client = Stage::shared_client();
    let wish =
        json!({"customer": "", "expires_in": "P8D", "return_url": "javascript:alert(1)", "event_types": []});
    let answer = client.post(LINKS, &wish).unwrap();
    expect::problem(&answer, 400, "VALIDATION_ERROR");
    let fields: Vec<Value> = answer.json().unwrap()["error"]["details"]
        .as_array()
        .unwrap()
        .iter()
        .map(|detail| detail["field"].clone())
        .collect();
    assert_eq!(fields, ["customer", "event_types", "expires_in", "return_url"]);
}
