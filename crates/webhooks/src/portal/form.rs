//! How is an endpoint asked for, or changed? One form; what is wrong with it stands at its top, with links to the fields, and at each field.

use super::{Frame, HOME, Offer, Wishes, html::Html};
use crate::Endpoint;
use kernel::{EndpointId, FieldFault};

/// What a form shows besides what was filled in.
#[derive(Debug, Default)]
pub struct FormState<'a> {
    /// The endpoint that is changed, with the version that the customer saw; none for a new one.
    pub endpoint: Option<(&'a EndpointId, i64)>,
    /// What is wrong with what was sent.
    pub faults: &'a [FieldFault],
}

impl<'a> FormState<'a> {
    /// The form of an endpoint as it stands.
    #[must_use]
    pub fn of(endpoint: &'a Endpoint) -> Self {
        Self { endpoint: Some((&endpoint.id, endpoint.version)), faults: &[] }
    }

    /// What is wrong with a field; parts of it count as it.
    fn fault(&self, field: &str) -> Option<&'a FieldFault> {
        self.faults.iter().find(|fault| fault.field.split(['[', '.']).next() == Some(field))
    }
}

/// The fields, as they are called, with what a fault begins with and where a link to it leads.
const FIELDS: [(&str, &str, &str); 3] = [
    ("url", "The address", "#url"),
    ("description", "The description", "#description"),
    ("event_types", "What is sent", "#which-all"),
];

/// The page with the form.
#[must_use]
pub fn page(frame: &Frame<'_>, offer: &Offer, wishes: &Wishes, state: &FormState<'_>) -> String {
    let (title, path, button) = match state.endpoint {
        None => ("Add an endpoint", "/new".to_owned(), "Add the endpoint"),
        Some((id, _)) => ("Change the endpoint", format!("/endpoints/{id}/change"), "Save the changes"),
    };
    let cancel = state.endpoint.map_or_else(|| HOME.to_owned(), |(id, _)| format!("{HOME}/endpoints/{id}"));
    let version = state.endpoint.map_or_else(Html::new, |(_, version)| {
        Html::new()
            .raw("<input type=\"hidden\" name=\"version\" value=\"")
            .text(&version.to_string())
            .raw("\">")
    });
    let inside = version
        .with(&address(wishes, state.fault("url")))
        .with(&description(wishes, state.fault("description")))
        .with(&events(offer, wishes, state.fault("event_types")))
        .raw("<p class=\"row\"><button>")
        .raw(button)
        .raw("</button> <a class=\"button second\" href=\"")
        .text(&cancel)
        .raw("\">Cancel</a></p>");
    let main = Html::new()
        .with(&summary(state))
        .raw("<h1>")
        .raw(title)
        .raw("</h1>")
        .with(&frame.form(&path, &inside));
    let title = if state.faults.is_empty() { title.to_owned() } else { format!("Error: {title}") };
    frame.page(&title, &main)
}

fn summary(state: &FormState<'_>) -> Html {
    if state.faults.is_empty() {
        return Html::new();
    }
    let known = FIELDS.iter().filter_map(|field| state.fault(field.0).map(|fault| (field, fault)));
    let items = Html::new().each(known, |((_, name, place), fault)| {
        Html::new()
            .raw("<li><a href=\"")
            .raw(place)
            .raw("\">")
            .raw(name)
            .raw(" ")
            .text(&fault.message)
            .raw("</a></li>")
    });
    // What is wrong elsewhere is the tenant's to see, and to mend.
    let is_other = |fault: &FieldFault| {
        let field = fault.field.split(['[', '.']).next();
        !FIELDS.iter().any(|(known, ..)| Some(*known) == field)
    };
    let other = state.faults.iter().any(is_other);
    Html::new()
        .raw("<div class=\"summary\" role=\"alert\" tabindex=\"-1\" aria-labelledby=\"summary\"><h2 id=\"summary\">There is something to correct</h2><ul>")
        .with(&items)
        .when(other, |html| {
            html.raw("<li>This endpoint is set up in a way that cannot be changed here. Whoever gave you the link to this page can change it.</li>")
        })
        .raw("</ul></div>")
}

/// A field's beginning: whether it is wrong, and its label.
fn begun(element: &'static str, fault: Option<&FieldFault>) -> Html {
    let class = if fault.is_some() { " class=\"field wrong\">" } else { " class=\"field\">" };
    Html::new().raw("<").raw(element).raw(class)
}

fn told(id: &'static str, name: &'static str, fault: Option<&FieldFault>) -> Html {
    fault.map_or_else(Html::new, |fault| {
        Html::new()
            .raw("<p class=\"fault\" id=\"")
            .raw(id)
            .raw("-fault\">")
            .raw(name)
            .raw(" ")
            .text(&fault.message)
            .raw("</p>")
    })
}

fn described_by(id: &'static str, fault: Option<&FieldFault>) -> Html {
    let html = Html::new().raw(" aria-describedby=\"").raw(id).raw("-hint");
    let html = html.when(fault.is_some(), |html| html.raw(" ").raw(id).raw("-fault\" aria-invalid=\"true"));
    html.raw("\"")
}

fn address(wishes: &Wishes, fault: Option<&FieldFault>) -> Html {
    begun("div", fault)
        .raw("<label for=\"url\">Address</label><p class=\"hint\" id=\"url-hint\">Where your program takes webhooks, in full: https://example.com/webhooks</p>")
        .with(&told("url", "The address", fault))
        .raw("<input type=\"url\" id=\"url\" name=\"url\" required maxlength=\"2048\" autocomplete=\"off\" spellcheck=\"false\" inputmode=\"url\"")
        .with(&described_by("url", fault))
        .raw(" value=\"")
        .text(&wishes.url)
        .raw("\"></div>")
}

fn description(wishes: &Wishes, fault: Option<&FieldFault>) -> Html {
    begun("div", fault)
        .raw("<label for=\"description\">Description (optional)</label><p class=\"hint\" id=\"description-hint\">What it is for, so that you know it again: “Orders, test shop”</p>")
        .with(&told("description", "The description", fault))
        .raw("<input type=\"text\" id=\"description\" name=\"description\" maxlength=\"500\" autocomplete=\"off\"")
        .with(&described_by("description", fault))
        .raw(" value=\"")
        .text(&wishes.description)
        .raw("\"></div>")
}

fn events(offer: &Offer, wishes: &Wishes, fault: Option<&FieldFault>) -> Html {
    let chosen = wishes.chosen.clone().unwrap_or_default();
    let is_all = wishes.chosen.as_ref().is_some_and(|chosen| chosen.all);
    let is_some = wishes.chosen.as_ref().is_some_and(|chosen| !chosen.all);
    let mut modules: Vec<&str> = offer.choices.iter().map(|choice| choice.module.as_str()).collect();
    modules.dedup();
    let groups = Html::new().each(modules, |module| {
        let own = offer.choices.iter().filter(|choice| choice.module == module);
        Html::new()
            .raw("<fieldset class=\"group\"><legend>")
            .text(module)
            .raw("</legend>")
            .each(own, |choice| {
                option(&choice.kind, &choice.description, chosen.kinds.contains(&choice.kind))
            })
            .raw("</fieldset>")
    });
    begun("fieldset", fault)
        .raw("<legend>What is sent there</legend><p class=\"hint\" id=\"event_types-hint\">The types of events of which this endpoint is told.</p>")
        .with(&told("event_types", "What is sent", fault))
        .with(&which("all", is_all, "All events, also types that come to be offered later", fault))
        .with(&which("some", is_some, "Only those that are ticked here", fault))
        .with(&groups)
        .raw("</fieldset>")
}

fn which(value: &'static str, is_checked: bool, label: &'static str, fault: Option<&FieldFault>) -> Html {
    Html::new()
        .raw("<div class=\"option\"><input type=\"radio\" name=\"which\" id=\"which-")
        .raw(value)
        .raw("\" value=\"")
        .raw(value)
        .raw("\"")
        .with(&described_by("event_types", fault))
        .when(is_checked, |html| html.raw(" checked"))
        .raw("><label for=\"which-")
        .raw(value)
        .raw("\">")
        .raw(label)
        .raw("</label></div>")
}

fn option(kind: &str, description: &str, is_checked: bool) -> Html {
    let id = format!("type-{kind}");
    Html::new()
        .raw("<div class=\"option\"><input type=\"checkbox\" name=\"type\" id=\"")
        .text(&id)
        .raw("\" value=\"")
        .text(kind)
        .raw("\" aria-describedby=\"")
        .text(&format!("{id}-hint"))
        .raw("\"")
        .when(is_checked, |html| html.raw(" checked"))
        .raw("><label for=\"")
        .text(&id)
        .raw("\"><code>")
        .text(kind)
        .raw("</code></label><p class=\"hint\" id=\"")
        .text(&format!("{id}-hint"))
        .raw("\">")
        .text(description)
        .raw("</p></div>")
}
