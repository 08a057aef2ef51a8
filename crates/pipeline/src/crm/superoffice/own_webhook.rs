//! Our webhook in SuperOffice, for the guardian.

use std::sync::{Mutex, PoisonError};

use ::superoffice::api::webhook::{Webhook, WebhookState};
use ::superoffice::patch::Patch;
use ::superoffice::{Client, Error};
use async_trait::async_trait;
use connector_domain::guardian::{Hook, HookState, Look};
use secrecy::{ExposeSecret as _, SecretString};

use super::{failed, hook};
use crate::crm::CrmError;
use crate::guardian::Hooks;

/// The webhook that is meant for this service.
pub struct OwnWebhook {
    client: Client,
    address: Option<String>,
    token: SecretString,
    /// The present one first; the others are still taken.
    secrets: Vec<SecretString>,
    /// Its number, once it was found.
    id: Mutex<Option<i64>>,
}

impl OwnWebhook {
    /// Goes by its public address, if that is known, and by what its deliveries have to present.
    pub fn new(
        client: Client,
        address: Option<String>,
        token: SecretString,
        secrets: Vec<SecretString>,
    ) -> Self {
        Self { client, address, token, secrets, id: Mutex::new(None) }
    }

    /// One question when its number is known, else one for all of the app.
    async fn find(&self) -> Result<Result<Webhook, Look>, CrmError> {
        let known = *self.lock();
        if let Some(id) = known {
            match self.client.webhook(id).await {
                Ok(webhook) => return Ok(Ok(webhook)),
                Err(Error::NotFound(_)) => *self.lock() = None,
                Err(error) => return Err(failed(&error)),
            }
        }
        let ours = hook::ours(&self.client, self.address.as_deref()).await;
        let mut ours = ours.map_err(|error| failed(&error))?;
        if ours.len() > 1 {
            return Ok(Err(Look::Several(ours.iter().map(|webhook| webhook.webhook_id).collect())));
        }
        let Some(webhook) = ours.pop() else { return Ok(Err(Look::Missing)) };
        *self.lock() = Some(webhook.webhook_id);
        Ok(Ok(webhook))
    }

    /// As it has to be. Without a configured address it may send wherever it does, and while a secret is exchanged for
    /// another it may sign with either.
    fn wanted(&self, webhook: &Webhook) -> Webhook {
        let address = self.address.as_deref().unwrap_or(&webhook.target_url);
        let secrets: Vec<&str> = self.secrets.iter().map(SecretString::expose_secret).collect();
        hook::wanted(address, self.token.expose_secret(), hook::secret_for(webhook, &secrets))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<i64>> {
        self.id.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Hooks for OwnWebhook {
    async fn look(&self) -> Result<Look, CrmError> {
        let webhook = match self.find().await? {
            Ok(webhook) => hook::with_usage(&self.client, webhook).await,
            Err(look) => return Ok(look),
        };
        let in_order = Webhook { state: WebhookState::Active, ..webhook.clone() };
        let (_, amiss) = hook::amendments(&in_order, &self.wanted(&webhook));
        let is_told = webhook.total_calls > 0 || webhook.total_errors > 0 || webhook.consecutive_errors > 0;
        let counter = |count: i64| u64::try_from(count).ok().filter(|_| is_told);
        Ok(Look::There(Hook {
            id: webhook.webhook_id,
            state: match webhook.state {
                WebhookState::Active => HookState::Active,
                WebhookState::Stopped => HookState::Stopped,
                WebhookState::TooManyErrors => HookState::TooManyErrors,
                _ => HookState::Unknown,
            },
            registered_at: webhook.registered,
            changed_by: webhook.updated_associate.map(|who| who.name).filter(|name| !name.is_empty()),
            amiss,
            calls: counter(webhook.total_calls),
            errors: counter(webhook.total_errors),
            in_a_row: counter(webhook.consecutive_errors),
        }))
    }

    async fn test(&self) -> Result<bool, CrmError> {
        let Ok(webhook) = self.find().await? else { return Ok(false) };
        // As it has to be, for a secret that SuperOffice keeps to itself would not be signed with.
        let tested = Webhook { webhook_id: webhook.webhook_id, ..self.wanted(&webhook) };
        Ok(self.client.test_webhook(&tested).await.map_err(|error| failed(&error))?.success)
    }

    async fn rearm(&self, id: i64, mend: bool) -> Result<(), CrmError> {
        let mut patch = Patch::new().replace("/State", WebhookState::Active.to_string());
        if mend {
            let webhook = self.client.webhook(id).await.map_err(|error| failed(&error))?;
            let (mended, _) = hook::amendments(&webhook, &self.wanted(&webhook));
            if !mended.is_empty() {
                patch = mended;
            }
        }
        self.client.patch_webhook(id, &patch).await.map(drop).map_err(|error| failed(&error))
    }
}
