"""Every command of `supportkit`; importing this module is what registers them."""

from supportkit.cli.app import app
from supportkit.cli.archiving import export, import_
from supportkit.cli.configuring import config
from supportkit.cli.demo import demo
from supportkit.cli.explaining import explain
from supportkit.cli.kpis import kpi
from supportkit.cli.lines import escalations, regulation
from supportkit.cli.looking import check, lifecycle, plugins
from supportkit.cli.mailing import mail
from supportkit.cli.migrating import migrate
from supportkit.cli.promises import calendar, policy
from supportkit.cli.purging import purge
from supportkit.cli.queueing import queue, take_next
from supportkit.cli.receiving import channels, quarantine
from supportkit.cli.replaying import replay
from supportkit.cli.reporting import report
from supportkit.cli.scoring import survey
from supportkit.cli.showing import show
from supportkit.cli.staffing import staffing
from supportkit.cli.texts import templates
from supportkit.cli.tickets import tickets
from supportkit.cli.whatif import whatif
from supportkit.cli.working import work

__all__ = ["app"]

for _command in (
    *(
        demo,
        replay,
        whatif,
        tickets,
        queue,
        show,
        explain,
        lifecycle,
        plugins,
        check,
        channels,
        migrate,
        calendar,
        escalations,
        regulation,
        work,
        purge,
        export,
        kpi,
        staffing,
        report,
    ),
):
    app.command()(_command)
app.command("next")(take_next)
app.command("import")(import_)
app.add_typer(mail, name="mail")
app.add_typer(quarantine, name="quarantine")
app.add_typer(config, name="config")
app.add_typer(policy, name="policy")
app.add_typer(templates, name="templates")
app.add_typer(survey, name="survey")
