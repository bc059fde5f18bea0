//! Who else comes onto the stage? People with a role, programs with a key of their own, those who run the platform.

use crate::stage::{Stage, data, fresh, get, id, join, post, text};
use serde_json::json;
use tests::Client;

/// What everybody made here logs in with.
pub const PASSWORD: &str = "a wholly made-up phrase 27";

impl Stage {
    /// Invites somebody by a link that is handed over, and accepts for them: the id of the user, and their session.
    pub fn user(
        &self,
        inviter: &Client,
        email: &str,
        name: &str,
        password: &str,
        roles: &[&str],
    ) -> (String, Client) {
        let session = join(inviter, email, name, password, roles);
        (id(&session["user"]), self.host.client().with_bearer(text(&session, "access_token")))
    }

    /// A new person with this built-in role, in a session: invited by a link that is handed over.
    pub fn member(&self, role: &str) -> Client {
        let owner = self.client();
        let roles = get(&owner, "/api/v1/admin/roles?limit=200");
        let role = data(&roles).iter().find(|known| known["name"] == role && known["built_in"] == true);
        let role = text(role.expect("a built-in role"), "id");
        let email = format!("{}@people.example", fresh("person"));
        self.user(&owner, &email, "Somebody", PASSWORD, &[role]).1
    }

    /// A program with a key that may do only this.
    pub fn key_with(&self, permissions: &[&str]) -> Client {
        let wish = json!({"name": fresh("key"), "permissions": permissions});
        let made = post(&self.client(), "/api/v1/admin/api-keys", &wish, 201);
        self.host.client().with_bearer(text(&made, "key"))
    }

    /// Somebody who runs the platform, in a session.
    pub fn administrator(&self) -> Client {
        let (email, password) = self.host.credentials().unwrap().platform;
        let wish = json!({"email": email, "password": password, "tenant": "platform"});
        let session = post(&self.host.client(), "/api/v1/auth/login", &wish, 200);
        self.host.client().with_bearer(text(&session, "access_token"))
    }

    /// The owner of a tenant that was suspended meanwhile.
    pub fn suspended(&self) -> Client {
        let (slug, client) = self.other_tenant();
        let path = format!("/api/v1/admin/organizations/{slug}");
        let answer = self
            .administrator()
            .patch(&path, &json!({"state": "suspended", "reason": "The invoice of May is open."}))
            .unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
        client
    }

    /// Lets everybody ask as often as a table of all routes takes.
    pub fn raise_user_rate(&self) {
        let answer =
            self.client().patch("/api/v1/admin/settings", &json!({"user_rate_per_minute": 100_000})).unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}
