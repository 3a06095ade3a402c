// What the generated client uses of OkHttp, over the JDK's own HTTP client: none of the registries that
// tests draw on has OkHttp itself.
package okhttp3

import java.io.Closeable
import java.io.File
import java.io.InputStream
import java.net.URI
import java.net.URLEncoder
import java.net.http.HttpClient
import java.net.http.HttpRequest
import java.net.http.HttpResponse

private fun encoded(text: String): String = URLEncoder.encode(text, Charsets.UTF_8).replace("+", "%20")

interface Callback

interface Call {
    fun execute(): Response

    fun interface Factory {
        fun newCall(request: Request): Call
    }
}

class MediaType(private val text: String) {
    override fun toString(): String = text

    companion object {
        fun String.toMediaTypeOrNull(): MediaType? = MediaType(this)
    }
}

class Headers(val entries: List<Pair<String, String>>) {
    operator fun get(name: String): String? = entries.lastOrNull { it.first.equals(name, ignoreCase = true) }?.second

    fun toMultimap(): Map<String, List<String>> = entries.groupBy({ it.first.lowercase() }, { it.second })

    class Builder {
        private val entries = mutableListOf<Pair<String, String>>()

        fun add(name: String, value: String): Builder = apply { entries += name to value }

        fun build(): Headers = Headers(entries)
    }

    companion object {
        fun Map<String, String>.toHeaders(): Headers = Headers(toList())
    }
}

open class RequestBody(val bytes: ByteArray, val contentType: MediaType?) {
    companion object {
        fun ByteArray.toRequestBody(contentType: MediaType? = null): RequestBody = RequestBody(this, contentType)

        fun String.toRequestBody(contentType: MediaType? = null): RequestBody = RequestBody(toByteArray(), contentType)

        fun File.asRequestBody(contentType: MediaType? = null): RequestBody = RequestBody(readBytes(), contentType)
    }
}

class FormBody private constructor(text: String) :
    RequestBody(text.toByteArray(), MediaType("application/x-www-form-urlencoded")) {
    class Builder {
        private val fields = mutableListOf<String>()

        fun add(name: String, value: String): Builder = apply { fields += encoded(name) + "=" + encoded(value) }

        fun build(): FormBody = FormBody(fields.joinToString("&"))
    }
}

class MultipartBody private constructor(bytes: ByteArray) : RequestBody(bytes, MediaType("$FORM; boundary=$BOUNDARY")) {
    class Builder {
        private var bytes = ByteArray(0)

        fun setType(type: MediaType): Builder = apply { check(type === FORM) }

        fun addPart(headers: Headers, body: RequestBody): Builder = apply {
            val lines = headers.entries.map { "${it.first}: ${it.second}\r\n" }.joinToString("")
            val type = body.contentType?.let { "Content-Type: $it\r\n" } ?: ""
            bytes += "--$BOUNDARY\r\n$lines$type\r\n".toByteArray() + body.bytes + "\r\n".toByteArray()
        }

        fun build(): MultipartBody = MultipartBody(bytes + "--$BOUNDARY--\r\n".toByteArray())
    }

    companion object {
        const val BOUNDARY = "gridpatrol-contract-boundary"
        val FORM = MediaType("multipart/form-data")
    }
}

class HttpUrl private constructor(val text: String, val encodedPathSegments: List<String>) {
    fun newBuilder(): Builder = Builder(text.trimEnd('/'))

    class Builder(private var base: String = "") {
        private val segments = mutableListOf<String>()
        private val query = mutableListOf<String>()

        fun scheme(scheme: String): Builder = apply { base = "$scheme://" }

        fun host(host: String): Builder = apply { base += host }

        fun addPathSegment(segment: String): Builder = apply { segments += encoded(segment) }

        fun addEncodedPathSegments(path: String): Builder = apply { segments += path.split("/") }

        fun addQueryParameter(name: String, value: String?): Builder =
            apply { query += encoded(name) + "=" + encoded(value ?: "") }

        fun build(): HttpUrl {
            val path = segments.joinToString("") { "/$it" }
            return HttpUrl(base + path + if (query.isEmpty()) "" else "?" + query.joinToString("&"), segments)
        }
    }

    companion object {
        fun String.toHttpUrlOrNull(): HttpUrl? = HttpUrl(this, emptyList())
    }
}

class Request private constructor(val url: HttpUrl, val method: String, val body: RequestBody?, val headers: Headers) {
    class Builder {
        private var url: HttpUrl? = null
        private var method = "GET"
        private var body: RequestBody? = null
        private var headers = Headers(emptyList())

        fun url(url: HttpUrl): Builder = apply { this.url = url }

        fun method(method: String, body: RequestBody?): Builder = apply {
            this.method = method
            this.body = body
        }

        fun head(): Builder = method("HEAD", null)

        fun delete(body: RequestBody?): Builder = method("DELETE", body)

        fun patch(body: RequestBody): Builder = method("PATCH", body)

        fun put(body: RequestBody): Builder = method("PUT", body)

        fun post(body: RequestBody): Builder = method("POST", body)

        fun headers(headers: Headers): Builder = apply { this.headers = headers }

        fun build(): Request = Request(checkNotNull(url), method, body, headers)
    }
}

class ResponseBody(private val content: ByteArray) {
    fun string(): String = content.decodeToString()

    fun bytes(): ByteArray = content

    fun byteStream(): InputStream = content.inputStream()
}

class Response(val code: Int, val headers: Headers, val body: ResponseBody?) : Closeable {
    val message: String get() = "HTTP $code"
    val isSuccessful: Boolean get() = code in 200..299
    val isRedirect: Boolean get() = code in listOf(301, 302, 303, 307, 308)

    fun header(name: String): String? = headers[name]

    override fun close() = Unit
}

class OkHttpClient private constructor() : Call.Factory {
    private val client: HttpClient = HttpClient.newHttpClient()

    override fun newCall(request: Request): Call = object : Call {
        override fun execute(): Response {
            val sent = HttpRequest.newBuilder(URI(request.url.text)).method(
                request.method,
                request.body?.let { HttpRequest.BodyPublishers.ofByteArray(it.bytes) }
                    ?: HttpRequest.BodyPublishers.noBody(),
            )
            request.headers.entries.forEach { (name, value) -> sent.header(name, value) }
            val answer = client.send(sent.build(), HttpResponse.BodyHandlers.ofByteArray())
            val headers = answer.headers().map().flatMap { (name, values) -> values.map { name to it } }
            return Response(answer.statusCode(), Headers(headers), ResponseBody(answer.body()))
        }
    }

    class Builder {
        fun build(): OkHttpClient = OkHttpClient()
    }
}
