// RUN: pqc opt %s --split-input-file --verify-diagnostics --parsing-diagnostics | filecheck %s

// CHECK: Operation does not verify: constant 'w' (0123456789abcdef) is not in the folder 'blobs'
%0 = blob.constant <"w", "0123456789abcdef"> : tensor<3xf32>

// -----
// CHECK: Operation does not verify: constant '../../secret' (../../../etc/passwd) is not in the folder 'blobs'
%0 = blob.constant <"../../secret", "../../../etc/passwd"> : tensor<3xf32>

// -----
// CHECK: Operation does not verify: constant 'bias' is int32[3], its type is tensor<4xsi32>
%0 = blob.constant <"bias", "d63c918771c65897"> : tensor<4xsi32>

// -----
// CHECK: Operation does not verify: constant 'bias' is int32[3], its type is tensor<3xui32>
%0 = blob.constant <"bias", "d63c918771c65897"> : tensor<3xui32>

// -----
// CHECK: Operation does not verify: constant 'bias' is int32[3], its type is tensor<3xi32>
%0 = blob.constant <"bias", "d63c918771c65897"> : tensor<3xi32>

// -----
// CHECK: i32 should be of base attribute tensor
%0 = blob.constant <"bias", "d63c918771c65897"> : i32

// -----
// CHECK: string literal expected
%0 = blob.constant <bias, "d63c918771c65897"> : tensor<3xsi32>

// -----
// CHECK: '>' expected
%0 = blob.constant <"bias", "d63c918771c65897", "more"> : tensor<3xsi32>

// CHECK-NOT: {{^}}builtin.module
