"""The addresses of the pages. What is not here does not exist: no public sign-up, no address book of users."""

from allauth.account import urls as account_urls
from django.urls import URLPattern, URLResolver, include, path
from django.views.i18n import set_language

from faitfoi.web.pages import (
    archive,
    auditors,
    batch_files,
    batches,
    chorus,
    connection_settings,
    connections,
    customers,
    documents,
    entrance,
    home,
    lifecycle_pa,
    mail,
    mail_departure,
    mail_doors,
    news,
    payments,
    payments_api,
    programs,
    proof,
    seal,
    tasks,
    trail,
    webhooks_mail,
    webhooks_pa,
)

ACCOUNT_PAGES = frozenset(
    {"account_login", "account_logout", "account_inactive", "account_change_password", "account_signup"}
)
"""The pages of allauth that are open. `account_signup` only says that it is closed: its login page names it."""

organisation: list[URLPattern | URLResolver] = [
    path("", home.home, name="home"),
    path("a-faire/", tasks.tasks, name="tasks"),
    path("envois/<uuid:delivery_id>/decider/", tasks.delivery_exit, name="delivery_exit"),
    path("lots/<uuid:batch_id>/retours.csv", tasks.batch_returns, name="batch_returns"),
    path("demarches/<uuid:act_id>/decider/", tasks.act_exit, name="act_exit"),
    path("statuts/<uuid:event_id>/repondre/", news.answer, name="answer_news"),
    path("nouvelles/<uuid:letter_id>/", news.unattached, name="unattached_news"),
    path("envoyer/", batches.upload, name="upload"),
    path("lots/", batches.batches, name="batches"),
    path("lots/<uuid:batch_id>/", batches.batch, name="batch"),
    path("lots/<uuid:batch_id>/fichiers/", batch_files.join_batch_file, name="join_batch_file"),
    path("lots/<uuid:batch_id>/fichiers/<uuid:file_id>/retirer/", batch_files.drop_batch_file, name="drop_batch_file"),
    path("documents/", documents.documents, name="documents"),
    path("documents/<uuid:document_id>/", documents.document, name="document"),
    path("documents/<uuid:document_id>/paiements/", payments.payments, name="payments"),
    path("documents/<uuid:document_id>/statut/", lifecycle_pa.declare_status, name="pa_declare"),
    path("documents/<uuid:document_id>/relancer/", documents.route_again, name="route_again"),
    path("documents/<uuid:document_id>/client/", customers.claim_document, name="claim_document"),
    path("documents/<uuid:document_id>/attester/", archive.attest, name="attest"),
    path("archive/", archive.life, name="archive"),
    path("archive/geler/", archive.hold, name="place_hold"),
    path("archive/gels/<uuid:hold_id>/lever/", archive.lift, name="lift_hold"),
    path("archive/eliminer/", archive.eliminate, name="request_elimination"),
    path("archive/eliminations/<uuid:elimination_id>/", archive.decide, name="decide_elimination"),
    path("attestations/<uuid:attestation_id>/", archive.attestation, name="attestation"),
    path("documents/<uuid:document_id>/dossier.zip", auditors.dossier, name="dossier"),
    path("preuve/", proof.proof, name="proof"),
    path("preuve/controles/", proof.controls, name="controls"),
    path("preuve/controles/refaire/", proof.run_controls, name="run_controls"),
    path("preuve/piste/", trail.trail, name="trail"),
    path("preuve/piste/<uuid:version_id>.pdf", trail.trail_file, name="trail_file"),
    path("preuve/cachet/", seal.seal, name="seal"),
    path("preuve/cachet/apercu.png", seal.seal_preview, name="seal_preview"),
    path("preuve/auditeurs/", auditors.auditors_page, name="auditors"),
    path("preuve/auditeurs/fermer/", auditors.revoke_auditor, name="revoke_auditor"),
    path("preuve/emporter/", auditors.bulk_page, name="bulk"),
    path("preuve/emporter/archive.zip", auditors.bulk_files, name="bulk_files"),
    path("courrier/", mail.mail, name="mail"),
    path("courrier/depart/", mail_departure.mail_departure, name="mail_departure"),
    path("courrier/retour/", mail_departure.try_return, name="try_return"),
    path("courrier/avis/", mail.notices, name="mail_notices"),
    path("courrier/prestataires/", mail_doors.mail_doors, name="mail_doors"),
    path("courrier/prestataires/preuves/", mail_doors.mail_proofs, name="mail_proofs"),
    path("courrier/prestataires/<uuid:door_id>/fermer/", mail_doors.revoke_mail_door, name="revoke_mail_door"),
    path("courrier/adresse-bonne/", mail.good_address, name="good_address"),
    path("clients/", customers.customers, name="customers"),
    path("clients/nouveau/", customers.new_customer, name="new_customer"),
    path("clients/<uuid:customer_id>/", customers.customer, name="customer"),
    path("clients/<uuid:customer_id>/modifier/", customers.edit_customer, name="edit_customer"),
    path("clients/<uuid:customer_id>/structure/", chorus.refresh_structure, name="refresh_structure"),
    path("clients/<uuid:customer_id>/annuaire/", customers.ask_directory, name="ask_directory"),
    path("clients/<uuid:customer_id>/relancer/", customers.relaunch_customer, name="relaunch_customer"),
    path("fichiers/<uuid:artefact_id>/", documents.download, name="download"),
    path("fichiers/<uuid:artefact_id>/page-<int:number>.png", documents.picture, name="picture"),
    path("envois/<uuid:delivery_id>/relancer/", documents.send_again, name="send_again"),
    path("connexions/", connections.connections_page, name="connections"),
    path("connexions/programmes/", programs.programs, name="programs"),
    path("connexions/programmes/<uuid:door_id>/revoquer/", programs.revoke_program, name="revoke_program"),
    path("connexions/<slug:channel>/", connection_settings.set_connection, name="set_connection"),
    path("connexions/<slug:channel>/verifier/", connections.check_connection, name="check_connection"),
    path("envois/<uuid:delivery_id>/chorus/", chorus.task, name="chorus_task"),
    path("envois/<uuid:delivery_id>/chorus/repondre/", chorus.answer, name="answer_chorus"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("", entrance.choose, name="choose"),
    path("langue/", set_language, name="set_language"),
    path("compte/", include([p for p in account_urls.urlpatterns if getattr(p, "name", "") in ACCOUNT_PAGES])),
    path("api/v1/payments", payments_api.payments, name="payments_api"),
    path("appels/courrier/<str:secret>/", webhooks_mail.called, name="mail_called"),
    path("o/<slug:slug>/", include(organisation)),
    path("appels/pa/<uuid:organisation_id>/", webhooks_pa.call, name="pa_webhook"),
]

handler400 = "faitfoi.web.pages.entrance.bad_request"
handler403 = "faitfoi.web.pages.entrance.forbidden"
handler404 = "faitfoi.web.pages.entrance.not_found"
handler500 = "faitfoi.web.pages.entrance.broken"
