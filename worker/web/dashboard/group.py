"""The routes of the dashboard."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.routing import Route

from worker.web.dashboard import conflict_pages, deeds, run_page, task_page
from worker.web.dashboard.access import Access
from worker.web.dashboard.attempts import Attempts
from worker.web.dashboard.budget import Budget
from worker.web.dashboard.glance import Glance
from worker.web.dashboard.login import Login
from worker.web.dashboard.nodes_page import NodesPage
from worker.web.dashboard.orders import Orders
from worker.web.dashboard.overview import overview
from worker.web.dashboard.rendering import Pages
from worker.web.dashboard.serving import Serving
from worker.web.dashboard.visit import Desk
from worker.web.groups import RouteGroup
from worker.web.resources import Resources

#: Bytes of a form.
MAX_FORM = 16 * 1024


def dashboard(resources: Resources) -> RouteGroup:
    """All pages and deeds; none where the setting says so.

    Raises:
        TaskDefinitionError: a table of a node says something wrong.
    """
    if not resources.settings.web_dashboard:
        return RouteGroup("/", [], max_body=MAX_FORM)
    pages, orders = Pages(), Orders(resources)
    desk = Desk(resources, Access(resources.settings), pages, Glance(resources), orders, Attempts())
    serving, budget, nodes = Serving(desk), Budget(resources), NodesPage(resources)
    login = Login(serving.log_in)
    page, deed = serving.page, serving.deed

    @asynccontextmanager
    async def background() -> AsyncIterator[None]:
        async with orders.accepted(), budget.sampling():
            yield

    routes = [
        page("/", overview),
        page("/tasks/{name}", task_page.task_page),
        deed("/tasks/{name}/run", deeds.run_now),
        deed("/tasks/{name}/pause", deeds.pause),
        deed("/tasks/{name}/resume", deeds.resume),
        deed("/tasks/{name}/plan", task_page.plan_page),
        deed("/tasks/{name}/retry", deeds.retry),
        deed("/tasks/{name}/plans/{plan_id}/approve", deeds.approve),
        deed("/tasks/{name}/plans/{plan_id}/reject", deeds.reject),
        page("/runs/{run_id}", run_page.run_page),
        page("/conflicts", conflict_pages.conflicts),
        page("/conflicts/{number:int}", conflict_pages.conflict),
        deed("/conflicts/{number:int}/take", deeds.take),
        deed("/conflicts/{number:int}/done", deeds.done),
        page("/nodes", nodes.show),
        page("/budget", budget.show),
        page("/login", login.form, is_open=True),
        deed("/login", login.enter, is_open=True),
        deed("/logout", login.leave, is_open=True),
        Route("/static/{name}", pages.file, methods=["GET"]),
    ]
    return RouteGroup("/", routes, max_body=MAX_FORM, background=background)
