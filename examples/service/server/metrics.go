package server

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics count requests. Their labels are routes and codes, never names.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	errors   *prometheus.CounterVec
	logins   *prometheus.CounterVec
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "nescio_requests_total", Help: "Requests by route and HTTP status."}, []string{"route", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "nescio_request_seconds", Help: "Times of requests by route.", Buckets: prometheus.ExponentialBuckets(0.001, 2, 13)}, []string{"route"}),
		errors: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "nescio_errors_total", Help: "Answers that are not a success, by code."}, []string{"code"}),
		logins: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "nescio_logins_total", Help: "Finished logins by protocol, or with the phrase, and by result."}, []string{"protocol", "result"}),
	}
	m.registry.MustRegister(m.requests, m.seconds, m.errors, m.logins,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// login counts a finished login of a protocol, or with the phrase.
func (m *metrics) login(protocol string, err error) {
	result := "success"
	if err != nil {
		result = "failure"
	}
	m.logins.WithLabelValues(protocol, result).Inc()
}

// Metrics returns the handler of Prometheus. It is for a local listener.
func (s *Server) Metrics() http.Handler {
	return promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{})
}

// measured counts and logs the requests that next serves. The routes are mux's.
func (s *Server) measured(mux *http.ServeMux, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, route := mux.Handler(r)
		if route == "" {
			route = "none"
		}
		begun := time.Now()
		recorder := &statusWriter{w, http.StatusOK}
		next.ServeHTTP(recorder, r)
		took := time.Since(begun)
		s.metrics.requests.WithLabelValues(route, strconv.Itoa(recorder.status)).Inc()
		s.metrics.seconds.WithLabelValues(route).Observe(took.Seconds())
		s.Log.Info("request", "route", route, "status", recorder.status, "ms", took.Milliseconds())
	})
}

type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}
