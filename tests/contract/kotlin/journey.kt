// A report filed and read with the Kotlin client that is generated from openapi.yaml: the settings with
// their lengths of time, a list, the inbox and problem documents as well.

import java.util.UUID
import kotlin.system.exitProcess
import kotlinx.serialization.ExperimentalSerializationApi
import kotlinx.serialization.decodeFromString
import org.gridpatrol.client.apis.ActionsApi
import org.gridpatrol.client.apis.AuthApi
import org.gridpatrol.client.apis.ReportsApi
import org.gridpatrol.client.apis.SettingsApi
import org.gridpatrol.client.infrastructure.ApiClient
import org.gridpatrol.client.infrastructure.ClientError
import org.gridpatrol.client.infrastructure.ClientException
import org.gridpatrol.client.infrastructure.Serializer
import org.gridpatrol.client.models.*

const val PASSWORD = "demo-Patrol-2026"

fun expect(holds: Boolean, seen: Any?) {
    if (!holds) {
        System.err.println("not as expected: $seen")
        exitProcess(1)
    }
}

/** The problem document of a call that is to be refused. */
fun refused(status: Int, call: () -> Unit): Problem {
    try {
        call()
    } catch (refusal: ClientException) {
        expect(refusal.statusCode == status, refusal)
        val body = (refusal.response as ClientError<*>).body as String
        return Serializer.kotlinxSerializationJson.decodeFromString<Problem>(body)
    }
    error("$status was expected")
}

@OptIn(ExperimentalSerializationApi::class)
fun main(arguments: Array<String>) {
    val server = arguments.first()
    // What is absent is left out. The generated client would write null, and a list cannot be null.
    Serializer.kotlinxSerializationJsonConfiguration = { explicitNulls = false }
    fun signIn(username: String): String {
        val tokens = AuthApi(server).signIn(SignInRequest(username = username, password = PASSWORD))
        expect(tokens.tokenType == "Bearer", tokens)
        return tokens.accessToken
    }
    fun <T> signedIn(username: String, act: () -> T): T {
        ApiClient.accessToken = signIn(username)
        return act().also { ApiClient.accessToken = null }
    }

    val (auth, reports) = AuthApi(server) to ReportsApi(server)
    val filed = signedIn("group_1_1") {
        val group = auth.getMe().postings.first()
        expect(group.role == "group_leader", group)
        val filing = ReportFiling(
            gridId = group.gridId,
            category = CategoryChoice.straw_burning,
            severity = SeverityChoice.serious,
            description = "河边田里有人烧秸秆",
            location = LocationRequest(lat = 26.69, lon = 101.854, crs = CoordinateSystemChoice.wgs84),
        )
        val filed = reports.fileReportWithId(UUID.randomUUID(), filing)
        val read = reports.getReport(filed.id)
        expect(read.number == filed.number && read.status == "escalating", read)
        expect(read.location?.lat == 26.69 && read.desk?.duty == "decide", read)
        expect(read.deadlineAt.isAfter(read.receivedAt), read)

        val found = mutableSetOf<UUID>()
        var cursor: String? = null
        do {
            val page = reports.listReports(view = ReportsApi.ViewListReports.mine, limit = 5, cursor = cursor)
            found += page.items.map { it.id }
            cursor = page.nextCursor
        } while (cursor != null)
        expect(filed.id in found, found)

        val nowhere = filing.copy(location = LocationRequest(lat = 0.0, lon = 0.0, crs = CoordinateSystemChoice.wgs84))
        val invalid = refused(422) { reports.fileReport(nowhere) }
        expect(invalid.code == "validation_failed" && invalid.errors?.first()?.pointer == "/location/lat", invalid)
        val unknown = refused(404) { reports.getReport(UUID.randomUUID()) }
        expect(unknown.code == "not_found", unknown)
        filed
    }
    signedIn("secretary_1") {
        val waiting = reports.getInbox(limit = 200).items.first { it.id == filed.id }
        expect(waiting.allowedActions.any { it.action == "approve" }, waiting)
        val approved = ActionsApi(server).approveReport(filed.id, approval = Approval(further = true))
        expect(approved.status == "open" && approved.tier == "town", approved)
    }
    signedIn("town_leader") {
        val rules = SettingsApi(server).getSettings().settings.reports
        expect(rules?.limits?.get("straw_burning")?.critical?.hours == 1, rules)
        expect(rules?.minor == Span(workingDays = 15), rules)
        expect(rules?.pressing?.supervisionAfter?.days == 3, rules)
    }
    println("${filed.number}: filed, read and approved")
}
